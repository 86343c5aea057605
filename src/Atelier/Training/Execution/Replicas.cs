using Atelier.Data;
using Atelier.Kernels;
using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using Atelier.Tensors.Ranks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Atelier.Training.Execution;

/// <summary>
/// Replicas of a model, one for each thread, which share weights and have gradients of their own. Each is trained on
/// some rows of a batch: on a CPU that is faster than sharing every operation, at whose end threads wait for one
/// another.
/// </summary>
internal sealed class Replicas<TBatch> : IDisposable
{
    private readonly GradientModel<TBatch>[] _models; // the first is the model itself
    private readonly ExecutionPlan _plan;
    private readonly ICommunicator _ranks;
    private readonly RandomStream[] _streams;
    private readonly Parameter[][] _trained; // by objective, those of all replicas
    private int _turn = -1;
    private long _step;

    /// <summary>Creates the replicas and starts their threads.</summary>
    /// <param name="model">The model, on its device; the first replica.</param>
    /// <param name="create">Creates another model of the same shape, on the CPU; needed for more than one
    /// replica.</param>
    /// <param name="plan">The number of replicas, and of threads for each.</param>
    /// <param name="ranks">The ranks, each with as many replicas, that divide batches; null for one process.</param>
    public Replicas(GradientModel<TBatch> model, Func<GradientModel<TBatch>>? create, ExecutionPlan plan,
        ICommunicator? ranks = null)
    {
        (_plan, _ranks) = (plan, ranks ?? SingleRank.Instance);
        _models = [model, .. Enumerable.Range(1, plan.Replicas - 1).Select(_ => ShareWeights(model, create!()))];
        _streams = [.. _models.Select(_ => new RandomStream())];
        _trained = [.. model.Objectives.Select((_, turn) =>
            TrainedParameters(turn).SelectMany(all => all).ToArray())];
        Dispatch = new LayerDispatch(plan.Layers);
        Team = new WorkerTeam(plan.Replicas, () => ComputeDevice.SetThreads(plan.Threads));
    }

    /// <summary>The threads of the replicas, for work outside of training steps.</summary>
    public WorkerTeam Team { get; }

    /// <summary>The paths that layers take, and which choices they had.</summary>
    public LayerDispatch Dispatch { get; }

    /// <summary>The weights in bf16, which the replicas share.</summary>
    public RoundedWeights Rounded { get; } = new();

    /// <summary>The objectives of each replica, those of the model first.</summary>
    public IReadOnlyList<IReadOnlyList<Objective<TBatch>>> Objectives => [.. _models.Select(model => model.Objectives)];

    /// <summary>The parameters that an objective updates, those of the model first.</summary>
    public IEnumerable<IReadOnlyList<Parameter>> TrainedParameters(int turn) =>
        _models.Select(model => model.TrainedParameters(turn));

    /// <summary>
    /// Seeds a step's random numbers (dropout, noise), which follow from the run's seed and the step alone, so that a
    /// resumed run draws the same ones.
    /// </summary>
    public void Seed(long seed, long step)
    {
        _step = step;
        ulong mixed = SplitMix64.At((ulong)seed, (ulong)step);
        ulong own = _ranks.Rank == 0 ? mixed : SplitMix64.At(~mixed, (ulong)_ranks.Rank);
        random.manual_seed((long)(own >> 1)).Dispose();
        for (int replica = 0; replica < _streams.Length; replica++)
            _streams[replica].Seed(SplitMix64.At(mixed, (ulong)((_ranks.Rank * _streams.Length) + replica)));
    }

    /// <summary>
    /// Begins a turn: forgets the gradients, and lets only the parameters that it moves have new ones.
    /// </summary>
    /// <param name="turn">The number of the turn.</param>
    public void Begin(int turn)
    {
        using TimedOperation timed = TimedOperation.Begin("zero gradients");
        foreach (GradientModel<TBatch> model in _models)
        {
            model.zero_grad();
            model.ForgetBatches();
            model.Adapters?.ClearGradients();
        }
        if (turn != _turn && _trained.Length > 1)
        {
            Demand(false, _trained.SelectMany(all => all));
            Demand(true, _trained[turn]);
        }
        _turn = turn;
    }

    /// <summary>Lets the model do what it does before a turn.</summary>
    public void Prepare(int turn)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        _models[0].Prepare(turn);
    }

    /// <summary>Lets the model do what it does after a turn, with random numbers of the step.</summary>
    public void Conclude(int turn)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        using var context = new StepContext { Random = _streams[0], Step = _step }.Use();
        _models[0].Conclude(turn);
    }

    /// <summary>The means of what the copies noted since the last time.</summary>
    public IReadOnlyDictionary<string, double> TakeNotes() => _models.SelectMany(model => model.TakeNotes())
        .GroupBy(note => note.Key, note => note.Value).ToDictionary(group => group.Key, group => group.Average());

    /// <summary>Adds the gradients of a batch's mean loss times a factor to those of the copies.</summary>
    /// <param name="turn">The number of the turn whose loss it is.</param>
    /// <param name="batch">The training data.</param>
    /// <param name="factor">The factor.</param>
    /// <returns>The loss times the factor, in the caller's dispose scope.</returns>
    public Tensor Learn(int turn, TBatch batch, double factor)
    {
        ComputeDevice.SetThreads(_plan.Threads);
        IReadOnlyList<(TBatch Part, double Share)> parts = Parts(batch);
        var losses = new Tensor[parts.Count];
        using (TimedOperation.Begin("round weights"))
            Rounded.Refresh(Team);
        Team.Run(replica =>
        {
            if (replica >= parts.Count)
                return;
            using var scope = NewDisposeScope(); // a batch's activations are gone before the next comes
            double weight = factor * parts[replica].Share;
            using var context = new StepContext
            {
                Random = _streams[replica], Step = _step, Dispatch = Dispatch, Weights = Rounded, LossWeight = weight,
            }.Use();
            Tensor loss = Loss(_models[replica].Objectives[turn], parts[replica].Part, weight);
            using (TimedOperation.Begin("backward"))
                loss.backward();
            losses[replica] = loss.detach().DetachFromDisposeScope();
        });
        using var noGradients = no_grad();
        using var sums = NewDisposeScope();
        foreach (Tensor loss in losses)
            sums.Attach(loss);
        Tensor none = tensor(0f, device: _trained[turn][0].device); // on a rank without rows
        return losses.DefaultIfEmpty(none).Aggregate((sum, loss) => sum.Plus(loss)).MoveToOuterDisposeScope();
    }

    /// <summary>Returns the parts of a batch for the replicas of this rank, with their shares of the batch.</summary>
    private IReadOnlyList<(TBatch Part, double Share)> Parts(TBatch batch)
    {
        int wanted = _models.Length * _ranks.Size;
        if (wanted == 1 || batch is not IDivisibleBatch<TBatch> rows)
            return [(batch, 1)];
        IReadOnlyList<(TBatch Part, double Share)> parts = rows.Divide(wanted);
        int from = parts.Count * _ranks.Rank / _ranks.Size, to = parts.Count * (_ranks.Rank + 1) / _ranks.Size;
        return [.. parts.Skip(from).Take(to - from)];
    }

    /// <summary>
    /// Figures on batches, at most one a copy, in evaluation mode and without gradients: each copy takes a whole batch,
    /// so that threads wait for one another once a batch and not after every operation, which is slow where other
    /// programs use the cores.
    /// </summary>
    /// <param name="batches">At most as many as there are members of the <see cref="Team"/>.</param>
    /// <returns>The figures of each batch, by name.</returns>
    public IReadOnlyDictionary<string, double>[] Evaluate(IReadOnlyList<TBatch> batches)
    {
        ComputeDevice.SetThreads(_plan.Threads);
        var figures = new IReadOnlyDictionary<string, double>[batches.Count];
        Team.Run(replica =>
        {
            if (replica >= batches.Count)
                return;
            GradientModel<TBatch> model = _models[replica];
            bool training = model.training;
            using var scope = NewDisposeScope();
            using var noGradients = no_grad();
            model.eval();
            figures[replica] = model.Evaluate(batches[replica]);
            model.train(training);
        });
        return figures;
    }

    /// <summary>Looks at the model itself with all threads.</summary>
    public T Undivided<T>(Func<T> look)
    {
        ComputeDevice.SetThreads(_plan.Replicas * _plan.Threads);
        return look();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Team.Dispose();
        Demand(true, _trained.SelectMany(all => all));
        TakeNotes();
        foreach (GradientModel<TBatch> model in _models.AsSpan(1))
            model.Dispose();
        foreach (RandomStream stream in _streams)
            stream.Dispose();
        Rounded.Dispose();
    }

    private static void Demand(bool gradients, IEnumerable<Parameter> parameters)
    {
        foreach (Parameter parameter in parameters)
            parameter.requires_grad = gradients;
    }

    private static Tensor Loss(Objective<TBatch> turn, TBatch batch, double weight)
    {
        using TimedOperation timed = TimedOperation.Begin("forward");
        using var scope = NewDisposeScope(); // what no gradient needs is gone before the backward pass makes more
        Tensor loss = turn.Loss(batch);
        return (weight == 1 ? loss : loss.Times(weight)).MoveToOuterDisposeScope();
    }

    /// <summary>Makes a new model share the weights of the model.</summary>
    private static GradientModel<TBatch> ShareWeights(GradientModel<TBatch> model, GradientModel<TBatch> replica)
    {
        using var noGradients = no_grad();
        Dictionary<string, Tensor> weights = model.state_dict();
        foreach ((string name, Tensor tensor) in replica.state_dict())
            tensor.set_(weights[name]);
        var parameters = model.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        foreach ((string name, Parameter parameter) in replica.named_parameters())
            parameter.requires_grad = parameters[name].requires_grad;
        replica.Adapters = model.Adapters?.ShareWith(replica);
        replica.train();
        replica.ActivationCheckpointing = model.ActivationCheckpointing;
        return replica;
    }
}
