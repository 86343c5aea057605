using Atelier.Recipes;
using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using Atelier.Training.Distributed;
using Atelier.Training.Execution;
using Atelier.Training.Optimizers;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Atelier.Training;

/// <summary>
/// Optimises one objective of a model: accumulates its gradients, clips them, updates its parameters, and collects its
/// losses.
/// </summary>
internal sealed class ObjectiveOptimizer<TBatch> : IDisposable
{
    private readonly int _number;
    private readonly Replicas<TBatch> _replicas;
    private readonly Parameter[][] _parameters; // [replica], in the order of the optimizer
    private readonly List<Tensor> _losses = [];
    private readonly GradientExchange? _exchange; // null for one process
    private readonly Tensor?[]? _kept; // 0 where weights stay zero, in the order of the optimizer; null for none
    private readonly double _clipNorm;
    private Tensor? _stepLoss;

    /// <summary>Creates the optimizer of an objective.</summary>
    /// <param name="number">The index of the objective.</param>
    /// <param name="replicas">The copies of the model.</param>
    /// <param name="names">The names of parameters, by their handles.</param>
    /// <param name="section">The training section of the recipe.</param>
    /// <param name="rateFactor">Returns the factor of a parameter's learning rate by its name; null for 1.</param>
    /// <param name="exchange">Sums the gradients of all ranks; null for one process.</param>
    public ObjectiveOptimizer(int number, Replicas<TBatch> replicas, IReadOnlyDictionary<nint, string> names,
        TrainingSection section, Func<string, double>? rateFactor = null, GradientExchange? exchange = null)
    {
        _exchange = exchange;
        (_number, _replicas, _clipNorm) = (number, replicas, section.ClipNorm);
        IReadOnlyList<Parameter>[] trained = [.. replicas.TrainedParameters(number)]; // [replica]
        var named = trained[0].Select((p, i) => (names.GetValueOrDefault(p.Handle, $"{Objective.Name}.{i}"), p));
        Optimizer = Optimizer.Create(section.Optimizer, named, replicas.Team.Size, rateFactor);
        Optimizer.Rounded = replicas.Rounded;
        var indices = trained[0].Index().ToDictionary(p => p.Item.Handle, p => p.Index);
        int[] order = [.. Optimizer.Parameters.Select(p => indices[p.Handle])];
        _parameters = [.. trained.Select(parameters => order.Select(index => parameters[index]).ToArray())];
        _kept = section.KeepZeros ? [.. _parameters[0].Select(Kept)] : null;
    }

    public Objective<TBatch> Objective => _replicas.Objectives[0][_number];

    public Optimizer Optimizer { get; }

    /// <summary>The norm of the last step's gradients before clipping; null before the first step.</summary>
    public Tensor? GradientNorm { get; private set; }

    /// <summary>
    /// Begins an optimisation: zeroes all gradients, and lets only the objective's parameters get new ones.
    /// </summary>
    public void Begin()
    {
        _replicas.Begin(_number);
        _replicas.Prepare(_number);
    }

    /// <summary>Adds the gradients of a batch to those of the step.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="parts">The number of batches whose gradients are averaged.</param>
    public void Learn(TBatch batch, long parts)
    {
        using var scope = NewDisposeScope();
        Tensor loss = _replicas.Learn(_number, batch, 1.0 / parts);
        using var noGradients = no_grad();
        _stepLoss = (_stepLoss is null ? loss : _stepLoss.Plus(loss)).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Clips the gradients (Pascanu et al. 2013) and updates the parameters. Each thread updates a share of them.
    /// </summary>
    public void Move(double learningRate)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        IEnumerable<Tensor[]> gradients = _parameters
            .Select((parameters, replica) => Gradients(parameters, isFirst: replica == 0)).OfType<Tensor[]>();
        Tensor[][] Shards(Tensor[] all) =>
            [.. Enumerable.Range(0, Optimizer.ShardCount).Select(shard => Optimizer.CutFor(shard, all))];
        Tensor[][][] parts = [.. gradients.Select(Shards)]; // [replica][shard]
        var norms = new Tensor[Optimizer.ShardCount];
        _replicas.Team.Run(shard =>
        {
            using TimedOperation timed = TimedOperation.Begin("gradients");
            using var none = no_grad();
            norms[shard] = GradientSums.Add(parts[0][shard], [.. parts.Skip(1).Select(others => others[shard])]);
        });
        foreach (Tensor norm in norms)
            scope.Attach(norm);
        if (_exchange is not null)
        {
            _exchange.Sum(parts[0].SelectMany(pieces => pieces));
            for (int shard = 0; shard < norms.Length; shard++)
                norms[shard] = GradientSums.Add(parts[0][shard], []);
        }
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
        _replicas.Conclude(_number);
        _losses.Add(_stepLoss!.DetachFromDisposeScope());
        _stepLoss = null;
    }

    /// <summary>Returns the losses of the steps since the last call; waits for the device.</summary>
    public float[] ReadLosses()
    {
        using var scope = NewDisposeScope();
        float[] values = _losses.Count == 0 ? [] : stack(_losses).to(ScalarType.Float32).cpu().data<float>().ToArray();
        ForgetLosses();
        return values;
    }

    /// <summary>Returns whether all parameters are finite; waits for the device.</summary>
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
        foreach (Tensor? kept in _kept ?? [])
            kept?.Dispose();
        Optimizer.Dispose();
    }

    /// <summary>
    /// Returns the gradients of a replica; null if a replica other than the first has none, because it got no rows. A
    /// parameter on which the loss does not depend has the gradient zero.
    /// </summary>
    private Tensor[]? Gradients(Parameter[] parameters, bool isFirst)
    {
        Tensor?[] gradients = [.. parameters.Select(p => p.grad)];
        if (!isFirst && Array.TrueForAll(gradients, gradient => gradient is null))
            return null;
        Tensor[] found =
            [.. gradients.Select((gradient, i) => gradient ?? zeros_like(parameters[i], requires_grad: false))];
        // Without a gradient, no optimizer moves a weight that is zero: decay and momentum are multiples of zero.
        for (int i = 0; i < found.Length; i++)
        {
            if (_kept?[i] is { } kept)
                found[i].mul_(kept);
        }
        return found;
    }

    /// <summary>1 where a parameter is not zero, and 0 elsewhere; null if no weight is zero.</summary>
    private static Tensor? Kept(Parameter parameter)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        Tensor kept = parameter.EqualTo(0).logical_not().to(parameter.dtype);
        return kept.min().Number() == 1 ? null : kept.DetachFromDisposeScope();
    }

    private void ForgetLosses()
    {
        foreach (Tensor loss in _losses)
            loss.Dispose();
        _losses.Clear();
    }
}
