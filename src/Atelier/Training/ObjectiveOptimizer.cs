using Atelier.Recipes;
using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using Atelier.Training.Execution;
using Atelier.Training.Optimizers;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Atelier.Training;

/// <summary>A turn with what moves its parameters, and the losses that nobody has read yet.</summary>
internal sealed class ObjectiveOptimizer<TBatch> : IDisposable
{
    private readonly int _number;
    private readonly Replicas<TBatch> _replicas;
    private readonly Parameter[][] _parameters; // of each replica, in the optimizer's order
    private readonly List<Tensor> _losses = [];
    private readonly double _clipNorm;
    private Tensor? _stepLoss;

    /// <summary>Sets up the optimizer.</summary>
    /// <param name="number">Which of the model's turns.</param>
    /// <param name="replicas">What learns.</param>
    /// <param name="names">The names of parameters by their handles.</param>
    /// <param name="section">The training settings.</param>
    public ObjectiveOptimizer(int number, Replicas<TBatch> replicas, IReadOnlyDictionary<nint, string> names,
        TrainingSection section)
    {
        (_number, _replicas, _clipNorm) = (number, replicas, section.ClipNorm);
        Parameter[][] taught =
            [.. replicas.Objectives.Select(turns => turns[number].Parameters.Where(p => p.requires_grad).ToArray())];
        Optimizer = Optimizer.Create(section.Optimizer,
            taught[0].Select((p, i) => (names.GetValueOrDefault(p.Handle, $"{Objective.Name}.{i}"), p)),
                replicas.Team.Size);
        Optimizer.Rounded = replicas.Rounded;
        var order = taught[0].Index().ToDictionary(p => p.Item.Handle, p => p.Index);
        int[] places = [.. Optimizer.Parameters.Select(p => order[p.Handle])];
        _parameters = [.. taught.Select(parameters => places.Select(place => parameters[place]).ToArray())];
    }

    public Objective<TBatch> Objective => _replicas.Objectives[0][_number];

    public Optimizer Optimizer { get; }

    /// <summary>The norm of the last step's gradients before they were clipped; null before the first.</summary>
    public Tensor? GradientNorm { get; private set; }

    /// <summary>Begins the turn: no gradients yet, and only its parameters will have some.</summary>
    public void Begin()
    {
        _replicas.Begin(_number);
        _replicas.Prepare(_number);
    }

    /// <summary>Adds a batch's gradients to those of the step.</summary>
    /// <param name="batch">What to learn from.</param>
    /// <param name="parts">The batches whose mean loss the step goes down.</param>
    public void Learn(TBatch batch, long parts)
    {
        using var scope = NewDisposeScope();
        Tensor loss = _replicas.Learn(_number, batch, 1.0 / parts);
        using var noGradients = no_grad();
        _stepLoss = (_stepLoss is null ? loss : _stepLoss.Plus(loss)).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Clips the gradients (Pascanu et al. 2013) and moves the parameters against them, each thread its share of them.
    /// </summary>
    public void Move(double learningRate)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        IEnumerable<Tensor[]> gradients =
            _parameters.Select((parameters, replica) => Gradients(parameters, isFirst: replica == 0))
            .OfType<Tensor[]>();
        Tensor[][][] parts =
            [.. gradients.Select(all =>
            Enumerable.Range(0, Optimizer.ShardCount).Select(shard => Optimizer.CutFor(shard, all)).ToArray())];
        var norms = new Tensor[Optimizer.ShardCount];
        _replicas.Team.Run(shard =>
        {
            using TimedOperation timed = TimedOperation.Begin("gradients");
            using var none = no_grad();
            norms[shard] = GradientSums.Add(parts[0][shard], [.. parts.Skip(1).Select(others => others[shard])]);
        });
        foreach (Tensor norm in norms)
            scope.Attach(norm);
        Optimizer.Begin();
        Tensor factor;
        using (TimedOperation.Begin("clip"))
        {
            GradientNorm?.Dispose();
            (GradientNorm, factor) = TensorScripts.Clip(norms, _clipNorm);
            GradientNorm.DetachFromDisposeScope();
        }
        _replicas.Team.Run(shard =>
        {
            using TimedOperation timed = TimedOperation.Begin("optimizer");
            using var none = no_grad();
            Optimizer.Move(shard, parts[0][shard], learningRate * Objective.RateFactor, _clipNorm > 0 ? factor : null);
        });
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
        return double.IsFinite(TensorScripts.Norm(_parameters[0]).Number());
    }

    public void Dispose()
    {
        ForgetLosses();
        GradientNorm?.Dispose();
        Optimizer.Dispose();
    }

    /// <summary>
    /// The gradients of a replica, or null where it learned nothing; a parameter that the first one's loss does not
    /// touch has the gradient zero.
    /// </summary>
    private static Tensor[]? Gradients(Parameter[] parameters, bool isFirst)
    {
        Tensor?[] gradients = [.. parameters.Select(p => p.grad)];
        if (!isFirst && Array.TrueForAll(gradients, gradient => gradient is null))
            return null;
        return [.. gradients.Select((gradient, i) => gradient ?? zeros_like(parameters[i], requires_grad: false))];
    }

    private void ForgetLosses()
    {
        foreach (Tensor loss in _losses)
            loss.Dispose();
        _losses.Clear();
    }
}
