using Atelier.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Atelier.Training;

/// <summary>
/// An objective of a training step: a loss and the parameters that it updates. Most models have one; a GAN has two.
/// </summary>
/// <param name="Name">For the log: "loss", "generator".</param>
/// <param name="Loss">The mean loss of a batch, a scalar in fp32.</param>
/// <param name="Parameters">The parameters to update; only these have gradients during the objective.</param>
public sealed record Objective<TBatch>(string Name, Func<TBatch, Tensor> Loss, IReadOnlyList<Parameter> Parameters)
{
    /// <summary>How often the objective is optimised in a step, each time on other batches; at least 1.</summary>
    public int Repeats { get; init; } = 1;

    /// <summary>Its learning rate as a multiple of the recipe's.</summary>
    public double RateFactor { get; init; } = 1;
}

/// <summary>
/// A model that is trained by gradient descent: defines the objectives of a step and the figures of an evaluation.
/// </summary>
/// <typeparam name="TBatch">The batch of a step.</typeparam>
public abstract class GradientModel<TBatch>(string name) : nn.Module(name)
{
    private readonly Dictionary<string, (Tensor Sum, int Count)> _notes = [];

    /// <summary>
    /// Whether training stores only the inputs of the model's blocks and recomputes the rest in the backward pass.
    /// </summary>
    public bool ActivationCheckpointing { get; set; }

    /// <summary>
    /// Whether anything was computed by <see cref="Through"/>: a model without blocks cannot be checkpointed.
    /// </summary>
    internal bool HasBlocks { get; private set; }

    /// <summary>The objectives of a step, in order.</summary>
    public abstract IReadOnlyList<Objective<TBatch>> Objectives { get; }

    /// <summary>
    /// Mean metrics of a batch by name, including "loss"; called in evaluation mode without gradients.
    /// </summary>
    public abstract IReadOnlyDictionary<string, double> Evaluate(TBatch batch);

    /// <summary>The unit of a figure of <see cref="Evaluate"/>; its name where it has no other.</summary>
    public virtual string Unit(string figure) => figure;

    /// <summary>
    /// Called before each optimisation of an objective, without gradients, on the model and not on copies that share
    /// its weights.
    /// </summary>
    /// <param name="turn">The index of the objective.</param>
    public virtual void Prepare(int turn)
    {
    }

    /// <summary>A one-line warning about the metrics of <see cref="Evaluate"/>; null if there is none.</summary>
    /// <param name="figures">Means over the validation batches.</param>
    public virtual string? Warn(IReadOnlyDictionary<string, double> figures) => null;

    /// <summary>Returns the means of the figures recorded since the last call, by name; waits for the device.</summary>
    internal IReadOnlyDictionary<string, double> TakeNotes()
    {
        var means = _notes.ToDictionary(note => note.Key, note => note.Value.Sum.Number() / note.Value.Count);
        foreach ((Tensor sum, _) in _notes.Values)
            sum.Dispose();
        _notes.Clear();
        return means;
    }

    /// <summary>Records a figure during training, for the log.</summary>
    /// <param name="name">The name of the figure.</param>
    /// <param name="value">A scalar tensor; recording does not wait for the device.</param>
    protected void Note(string name, Tensor value)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        (Tensor? sum, int count) = _notes.GetValueOrDefault(name);
        Tensor now = value.detach().to(ScalarType.Float32);
        _notes[name] = ((sum is null ? now.clone() : sum.Plus(now)).DetachFromDisposeScope(), count + 1);
        sum?.Dispose();
    }

    /// <summary>Computes a block, with <see cref="ActivationCheckpointing"/> if it is enabled.</summary>
    /// <param name="block">The block. It may depend on x, the module's parameters and random numbers only.</param>
    /// <param name="x">The input.</param>
    protected Tensor Through(Func<Tensor, Tensor> block, Tensor x)
    {
        HasBlocks = true;
        using var scope = NewDisposeScope(); // what no gradient needs is gone before the next block begins
        return (training && ActivationCheckpointing ? ActivationCheckpoint.Run(block, x) : block(x))
            .MoveToOuterDisposeScope();
    }
}
