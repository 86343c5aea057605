using Atelier.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Atelier.Training;

/// <summary>
/// One move in a training step: a loss and the parameters it moves. Most models take one turn a step; a GAN takes two.
/// </summary>
/// <param name="Name">For the log: "loss", "generator".</param>
/// <param name="Loss">The mean loss of a batch, a scalar in fp32.</param>
/// <param name="Parameters">What the turn's optimizer moves; the only ones that have gradients meanwhile.</param>
public sealed record Objective<TBatch>(string Name, Func<TBatch, Tensor> Loss, IReadOnlyList<Parameter> Parameters)
{
    /// <summary>How often it is taken in a step, one after the other, each time on other batches; from 1.</summary>
    public int Repeats { get; init; } = 1;

    /// <summary>Its learning rate as a multiple of the recipe's.</summary>
    public double RateFactor { get; init; } = 1;
}

/// <summary>
/// A model that is trained by gradient descent: defines the objectives of a step and the figures of an evaluation.
/// </summary>
/// <typeparam name="TBatch">What one step learns from.</typeparam>
public abstract class GradientModel<TBatch>(string name) : nn.Module(name)
{
    private readonly Dictionary<string, (Tensor Sum, int Count)> _notes = [];

    /// <summary>
    /// Whether training keeps only the inputs of the model's blocks and computes the rest anew going back.
    /// </summary>
    public bool ActivationCheckpointing { get; set; }

    /// <summary>
    /// Whether anything was computed through <see cref="Through"/>: a model without blocks cannot be checkpointed.
    /// </summary>
    internal bool HasBlocks { get; private set; }

    /// <summary>The moves of a step, in order.</summary>
    public abstract IReadOnlyList<Objective<TBatch>> Objectives { get; }

    /// <summary>
    /// Mean figures on a batch by name, with "loss" among them; called in evaluation mode without gradients.
    /// </summary>
    public abstract IReadOnlyDictionary<string, double> Evaluate(TBatch batch);

    /// <summary>
    /// Called before each time that a turn is taken, without gradients, on the model and not on copies that share its
    /// weights.
    /// </summary>
    /// <param name="turn">The number of the turn.</param>
    public virtual void Prepare(int turn)
    {
    }

    /// <summary>
    /// What a user should know of the figures that <see cref="Evaluate"/> gave, in one line; null where all is well.
    /// </summary>
    /// <param name="figures">Means over the validation batches.</param>
    public virtual string? Warn(IReadOnlyDictionary<string, double> figures) => null;

    /// <summary>The means of what was noted since the last time, by name; this waits for the device.</summary>
    internal IReadOnlyDictionary<string, double> TakeNotes()
    {
        var means = _notes.ToDictionary(note => note.Key, note => note.Value.Sum.Number() / note.Value.Count);
        foreach ((Tensor sum, _) in _notes.Values)
            sum.Dispose();
        _notes.Clear();
        return means;
    }

    /// <summary>Records a figure during training, for the log.</summary>
    /// <param name="name">What it is.</param>
    /// <param name="value">A scalar; nothing waits for it.</param>
    protected void Note(string name, Tensor value)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        (Tensor? sum, int count) = _notes.GetValueOrDefault(name);
        Tensor now = value.detach().to(ScalarType.Float32);
        _notes[name] = ((sum is null ? now.clone() : sum.Plus(now)).DetachFromDisposeScope(), count + 1);
        sum?.Dispose();
    }

    /// <summary>What a block makes of x: the place where <see cref="ActivationCheckpointing"/> takes hold.</summary>
    /// <param name="block">Computes from x, the module's parameters and random numbers alone.</param>
    /// <param name="x">Its input.</param>
    protected Tensor Through(Func<Tensor, Tensor> block, Tensor x)
    {
        HasBlocks = true;
        using var scope = NewDisposeScope(); // what no gradient needs is gone before the next block begins
        return (training && ActivationCheckpointing ? ActivationCheckpoint.Run(block, x) : block(x))
            .MoveToOuterDisposeScope();
    }
}
