using Atelier.Runs;
using Atelier.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Atelier.Training;

/// <summary>
/// An objective of a training step: a loss and the parameters that it updates. Most models have one; a GAN has two.
/// </summary>
/// <param name="Name">The name in the log, such as "loss" or "generator".</param>
/// <param name="Loss">Computes the mean loss of a batch, a scalar in fp32.</param>
/// <param name="Parameters">The parameters to update. Only these get gradients while the objective is
/// optimised.</param>
public sealed record Objective<TBatch>(string Name, Func<TBatch, Tensor> Loss, IReadOnlyList<Parameter> Parameters)
{
    /// <summary>How many times the objective is optimised in a step, each time on new batches; at least 1.</summary>
    public int Repeats { get; init; } = 1;

    /// <summary>The factor by which the learning rate of the recipe is multiplied.</summary>
    public double RateFactor { get; init; } = 1;
}

/// <summary>
/// A model that is trained by gradient descent: defines the objectives of a step and the metrics of an evaluation.
/// </summary>
/// <typeparam name="TBatch">The type of a batch.</typeparam>
public abstract class GradientModel<TBatch>(string name) : nn.Module(name)
{
    private readonly Dictionary<string, (Tensor Sum, int Count)> _notes = [];

    /// <summary>
    /// Whether training stores only the inputs of the model's blocks and recomputes the rest in the backward pass.
    /// </summary>
    public bool ActivationCheckpointing { get; set; }

    /// <summary>
    /// Whether <see cref="Through"/> was called. A model that never calls it does not support activation checkpointing.
    /// </summary>
    internal bool HasBlocks { get; private set; }

    /// <summary>
    /// The adapters that are trained instead of the model's own weights, or with which a finished model runs; null for
    /// none.
    /// </summary>
    internal LowRankAdapters? Adapters { get; set; }

    /// <summary>PEFT's name of the model's task, for the files of adapters; null if it has none.</summary>
    public virtual string? PeftTaskType => null;

    /// <summary>The objectives of a step, in order.</summary>
    public abstract IReadOnlyList<Objective<TBatch>> Objectives { get; }

    /// <summary>
    /// Returns the mean metrics of a batch by name, including "loss". Called in evaluation mode without gradients.
    /// </summary>
    public abstract IReadOnlyDictionary<string, double> Evaluate(TBatch batch);

    /// <summary>Returns the unit of a metric of <see cref="Evaluate"/>; its name if it has no unit.</summary>
    public virtual string Unit(string figure) => figure;

    /// <summary>
    /// Whether the model learns only by gradients and by what follows from the weights, so that ranks which exchange
    /// gradients keep the same weights. Codes that follow the examples of a batch do not.
    /// </summary>
    public virtual bool DividesAmongRanks => true;

    /// <summary>
    /// Called before each optimisation of an objective, without gradients. Not called on copies that share the weights
    /// of the model.
    /// </summary>
    /// <param name="turn">The index of the objective.</param>
    public virtual void Prepare(int turn)
    {
    }

    /// <summary>
    /// Called after each optimisation of an objective, without gradients, when the parameters have been updated. Not
    /// called on copies that share the weights of the model.
    /// </summary>
    /// <param name="turn">The index of the objective.</param>
    public virtual void Conclude(int turn)
    {
    }

    /// <summary>
    /// Called on the model and its copies when gradients are zeroed: forgets what it noted about batches since then.
    /// </summary>
    public virtual void ForgetBatches()
    {
    }

    /// <summary>
    /// Returns the weights by their names in the bundle, each as the parameter itself or as a view of it; adapters are
    /// named after them. By default these are the names of the module's parameters.
    /// </summary>
    public virtual IEnumerable<(string Name, Tensor View)> PublishedWeights() =>
        named_parameters().Select(p => (p.name, (Tensor)p.parameter));

    /// <summary>Returns a warning in one line about the metrics of <see cref="Evaluate"/>; null for none.</summary>
    /// <param name="figures">The means of the metrics over the validation batches.</param>
    public virtual string? Warn(IReadOnlyDictionary<string, double> figures) => null;

    /// <summary>Returns the means of the metrics recorded since the last call, by name; waits for the device.</summary>
    internal IReadOnlyDictionary<string, double> TakeNotes()
    {
        var means = _notes.ToDictionary(note => note.Key, note => note.Value.Sum.Number() / note.Value.Count);
        foreach ((Tensor sum, _) in _notes.Values)
            sum.Dispose();
        _notes.Clear();
        return means;
    }

    /// <summary>Returns all parameters with their names in checkpoints, those of adapters last.</summary>
    internal IEnumerable<(string Name, Parameter Parameter)> AllParameters() =>
        named_parameters().Select(p => (p.name, p.parameter)).Concat(Adapters?.NamedParameters ?? []);

    /// <summary>Returns the parameters that an objective updates: those of adapters, or its own without frozen
    /// ones.</summary>
    /// <param name="objective">The index of the objective.</param>
    internal IReadOnlyList<Parameter> TrainedParameters(int objective) => Adapters is null
        ? [.. Objectives[objective].Parameters.Where(p => p.requires_grad)]
        : [.. Adapters.NamedParameters.Select(p => p.Parameter)];

    /// <summary>Returns the tensors of a checkpoint, each once.</summary>
    internal Dictionary<string, Tensor> TrainingState()
    {
        // TorchSharp also registers modules by the fields that hold them
        Dictionary<string, Tensor> state = state_dict()
            .OrderBy(tensor => tensor.Key.Contains(CheckpointStore.FieldName, StringComparison.Ordinal))
            .DistinctBy(tensor => tensor.Value.Handle).ToDictionary();
        foreach ((string name, Parameter parameter) in Adapters?.NamedParameters ?? [])
            state.Add(name, parameter);
        return state;
    }

    /// <summary>Calls a function while the adapters, if there are any, are part of the model's weights.</summary>
    internal void WhileMerged(Action action)
    {
        if (Adapters is null)
            action();
        else
            Adapters.WhileMerged(action);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            Adapters?.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>Records a metric during training, for the log.</summary>
    /// <param name="name">The name of the metric.</param>
    /// <param name="value">A scalar tensor. Recording does not wait for the device.</param>
    protected void Note(string name, Tensor value)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        (Tensor? sum, int count) = _notes.GetValueOrDefault(name);
        Tensor added = value.detach().to(ScalarType.Float32);
        _notes[name] = ((sum is null ? added.clone() : sum.Plus(added)).DetachFromDisposeScope(), count + 1);
        sum?.Dispose();
    }

    /// <summary>Computes a block, with <see cref="ActivationCheckpointing"/> if it is enabled.</summary>
    /// <param name="block">The block. It may depend only on x, the module's parameters and random numbers.</param>
    /// <param name="x">The input of the block.</param>
    protected Tensor Through(Func<Tensor, Tensor> block, Tensor x)
    {
        HasBlocks = true;
        using var scope = NewDisposeScope(); // disposes tensors that no gradient needs before the next block
        return (training && ActivationCheckpointing ? ActivationCheckpoint.Run(block, x) : block(x))
            .MoveToOuterDisposeScope();
    }
}
