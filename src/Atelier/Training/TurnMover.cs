using Atelier.Recipes;
using Atelier.Training.Optimizers;
using Atelier.Training.Profiling;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Atelier.Training;

/// <summary>A turn with what moves its parameters, and the losses that nobody has read yet.</summary>
internal sealed class TurnMover<TBatch> : IDisposable
{
    private readonly Parameter[] _parameters;
    private readonly List<Tensor> _losses = [];
    private readonly double _clipNorm;
    private Tensor? _stepLoss;

    public TurnMover(Turn<TBatch> turn, IReadOnlyDictionary<nint, string> names, TrainingSection section)
    {
        Turn = turn;
        _clipNorm = section.ClipNorm;
        Optimizer = Optimizer.Create(section.Optimizer, turn.Parameters
            .Where(p => p.requires_grad)
            .Select((p, i) => (names.GetValueOrDefault(p.Handle, $"{turn.Name}.{i}"), p)));
        _parameters = [.. Optimizer.Parameters];
    }

    public Turn<TBatch> Turn { get; }

    public Optimizer Optimizer { get; }

    /// <summary>The norm of the last step's gradients before they were clipped; null where nothing clips.</summary>
    public Tensor? GradientNorm { get; private set; }

    /// <summary>Adds a batch's gradients to those of the step.</summary>
    /// <param name="batch">What to learn from.</param>
    /// <param name="parts">The batches whose mean loss the step goes down.</param>
    public void Learn(TBatch batch, long parts)
    {
        using var scope = NewDisposeScope(); // a batch's activations are gone before the next comes
        Tensor loss = Loss(batch, parts);
        using (TimedOperation.Begin("backward"))
            loss.backward();
        using var noGradients = no_grad();
        Tensor value = loss.detach();
        _stepLoss = (_stepLoss is null ? value : _stepLoss.Plus(value)).MoveToOuterDisposeScope();
    }

    /// <summary>Clips the gradients (Pascanu et al. 2013) and moves the parameters against them.</summary>
    public void Move(double learningRate)
    {
        var gradients = new Tensor[_parameters.Length];
        for (int i = 0; i < gradients.Length; i++) // a parameter that the loss does not touch has the gradient zero
            gradients[i] = _parameters[i].grad ?? zeros_like(_parameters[i], requires_grad: false);
        if (_clipNorm > 0)
        {
            using TimedOperation timed = TimedOperation.Begin("clip");
            GradientNorm?.Dispose();
            GradientNorm = TensorScripts.Clip(gradients, _clipNorm).DetachFromDisposeScope();
        }
        using (TimedOperation.Begin("optimizer"))
            Optimizer.Step(gradients, learningRate);
        _losses.Add(_stepLoss!.DetachFromDisposeScope());
        _stepLoss = null;
    }

    /// <summary>The losses of the steps since the last reading; this waits for the device.</summary>
    public float[] ReadLosses()
    {
        using var scope = NewDisposeScope();
        float[] values = _losses.Count == 0 ? [] : stack(_losses).to(ScalarType.Float32).cpu().data<float>().ToArray();
        ForgetLosses();
        return values;
    }

    /// <summary>Whether every parameter is finite; this waits for the device.</summary>
    public bool IsFinite()
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        return double.IsFinite(TensorScripts.Norm(_parameters).Number());
    }

    public void Dispose()
    {
        ForgetLosses();
        GradientNorm?.Dispose();
        Optimizer.Dispose();
    }

    private Tensor Loss(TBatch batch, long parts)
    {
        using TimedOperation timed = TimedOperation.Begin("forward");
        Tensor loss = Turn.Loss(batch);
        return parts > 1 ? loss.Times(1.0 / parts) : loss;
    }

    private void ForgetLosses()
    {
        foreach (Tensor loss in _losses)
            loss.Dispose();
        _losses.Clear();
    }
}
