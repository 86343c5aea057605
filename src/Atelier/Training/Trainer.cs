using System.Runtime.InteropServices;
using Atelier.Data;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tensors;
using Atelier.Training.Execution;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Training;

/// <summary>A sample that was drawn during training.</summary>
/// <param name="File">The path of the file that holds it.</param>
/// <param name="Shown">What the progress shows of it: a text itself, or the path of an image.</param>
public readonly record struct TrainingSample(string File, string Shown);

/// <summary>What a task and a family add to the trainer's loop.</summary>
public sealed record TrainerHooks
{
    /// <summary>Writes the present model as a bundle into a folder.</summary>
    public required Action<string> WriteBundle { get; init; }

    /// <summary>
    /// Writes the bundle of an interrupted training, in no more time than a step; null if <see cref="WriteBundle"/> is
    /// fast enough.
    /// </summary>
    public Action<string>? WriteInterrupted { get; init; }

    /// <summary>
    /// Draws a sample from a fixed seed and writes it to a file. Receives the path of the file without an extension,
    /// in a folder that exists; null draws no samples during training.
    /// </summary>
    public Func<string, CancellationToken, TrainingSample>? WriteSample { get; init; }

    /// <summary>Reference values of the loss for plots: "5-gram", "exact entropy".</summary>
    public IReadOnlyDictionary<string, double> ReferenceLosses { get; init; } = new Dictionary<string, double>();

    /// <summary>
    /// Creates another model of the same shape, on the CPU; null if copies cannot share the rows of a step.
    /// </summary>
    public Func<nn.Module>? CreateReplica { get; init; }

    /// <summary>The unit of a batch's items.</summary>
    public string ItemUnit { get; init; } = "tokens";
}

/// <summary>Trains a model by gradient descent, on a thread of its own.</summary>
/// <typeparam name="TBatch">The batch of a step.</typeparam>
/// <param name="recipe">The recipe. Its training section and seed are the trainer's only settings.</param>
/// <param name="model">The model, trained in place and moved to the recipe's device.</param>
/// <param name="training">The training batches.</param>
/// <param name="validation">The validation batches, or null.</param>
/// <param name="hooks">The family's functions.</param>
public sealed class Trainer<TBatch>(
    Recipe recipe,
    GradientModel<TBatch> model,
    IBatchSource<TBatch> training,
    IBatchSource<TBatch>? validation,
    TrainerHooks hooks) : ILearner, ILearningRateFinder
{
    /// <inheritdoc/>
    /// <exception cref="AtelierException">The loss is not finite, a batch does not fit in memory, the disk is full, or
    /// the recipe sets no end.</exception>
    public Task<TrainingReport> LearnAsync(Run run, IProgress<TrainingProgress> progress,
        CancellationToken cancellation) =>
        Task.Factory.StartNew(
            () =>
            {
                try
                {
                    return Learn(run, progress, cancellation);
                }
                catch (ExternalException e) when (IsOutOfMemory(e.Message))
                {
                    throw new AtelierException($"a batch of {recipe.Training.BatchSize} does not fit in memory",
                        "training.batchSize",
                        "lower it and raise training.gradientAccumulation by as much, which learns the same, or set "
                            + "training.activationCheckpointing to true", e);
                }
            },
            // cancelling ends the loop, which saves first
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <inheritdoc/>
    public LearningRateSweep FindLearningRate(IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        PrepareDevice(cancellation);
        return LearningRateFinder.Find(recipe, model, training, progress, cancellation);
    }

    private TrainingReport Learn(Run run, IProgress<TrainingProgress> progress, CancellationToken cancellation)
    {
        TrainingSection section = recipe.Training;
        Device device = PrepareDevice(cancellation);
        model.train();
        model.ActivationCheckpointing = section.ActivationCheckpointing;
        using IDisposable? profiled = run.Profile?.Follow(device); // before other threads start
        TrainingLimits limits = TrainingLimits.Of(section, training.BatchesPerEpoch, training.ItemsPerBatch,
            validation is not null, model.Objectives.Max(turn => turn.Repeats));
        using Replicas<TBatch> replicas = CreateReplicas(run, limits, progress, cancellation);
        var schedule = new LearningRateSchedule(section.Schedule, section.Optimizer.LearningRate, limits.TotalSteps);
        using var session =
            new TrainingSession<TBatch>(recipe, model, replicas, validation, hooks, run, progress, limits);
        using var batches = new BatchQueue<TBatch>(training, BatchNumbers(session.State, limits), device);

        progress.Report(new TrainingProgress { Step = session.State.Step, TotalSteps = limits.TotalSteps,
            ItemUnit = hooks.ItemUnit, IsLearning = true });
        string? stopReason;
        while ((stopReason = limits.StopReason(session.State, cancellation)) is null)
        {
            session.BeginStep();
            long step = session.State.Step + 1;
            double learningRate = schedule.Rate(step);
            using (NewDisposeScope())
            {
                replicas.Seed(recipe.Seed, step);
                foreach (ObjectiveOptimizer<TBatch> mover in session.Movers)
                {
                    for (int repeat = 0; repeat < mover.Objective.Repeats; repeat++)
                    {
                        mover.Begin();
                        foreach (long number in BatchNumbers(session.State, limits, mover.Objective, repeat))
                            mover.Learn(batches.Take(number), limits.BatchesPerTurn);
                        mover.Move(learningRate);
                    }
                }
                session.Average?.Update(step);
            }
            if (section.ActivationCheckpointing && !model.HasBlocks)
                throw new AtelierException("this model has no blocks that could be computed anew",
                    "training.activationCheckpointing", "leave it out");
            session.EndStep(limits.BatchesPerStep);
            session.AfterStep(learningRate, cancellation);
        }
        return session.Finish(stopReason);
    }

    /// <summary>Configures the recipe's device and moves the model there.</summary>
    private Device PrepareDevice(CancellationToken cancellation)
    {
        Device device = ComputeDevice.ResolveForTraining(recipe.Training.Device, cancellation);
        ComputeDevice.Configure(recipe.Training.Threads);
        ComputeDevice.AllowTf32(recipe.Training.ChosenPrecision == Precision.Tf32);
        model.to(device);
        return device;
    }

    /// <summary>The number of the batch for a part of the next step.</summary>
    private long BatchNumber(TrainingState state, long part)
    {
        if (recipe.Training.OverfitOneBatch)
            return 0;
        // the same batches each step, or the next ones
        return recipe.Training.Optimizer.Name == OptimizerName.FullBatch ? part % training.BatchesPerEpoch
            : state.Batch + part;
    }

    /// <summary>
    /// The batches of one optimisation of an objective in the next step. An objective with fewer repeats than others
    /// uses their last batches.
    /// </summary>
    private IEnumerable<long> BatchNumbers(TrainingState state, TrainingLimits limits, Objective<TBatch> turn,
        int repeat)
    {
        long first = limits.BatchesPerStep - ((turn.Repeats - repeat) * limits.BatchesPerTurn);
        for (long part = first; part < first + limits.BatchesPerTurn; part++)
            yield return BatchNumber(state, part);
    }

    /// <summary>All batches, in the order in which the loop uses them.</summary>
    private IEnumerable<long> BatchNumbers(TrainingState state, TrainingLimits limits)
    {
        if (BatchNumber(state, 0) == BatchNumber(state with { Batch = state.Batch + limits.BatchesPerStep },
            limits.BatchesPerStep - 1))
        {
            yield return 0; // one batch for ever: it is taken once and stays
            yield break;
        }
        for (; ; state = state with { Batch = state.Batch + limits.BatchesPerStep })
        {
            foreach (Objective<TBatch> turn in model.Objectives)
            {
                foreach (long number in Enumerable.Range(0, turn.Repeats)
                    .SelectMany(repeat => BatchNumbers(state, limits, turn, repeat)))
                    yield return number;
            }
        }
    }

    /// <summary>
    /// Whether an error message of libtorch means that memory is exhausted: on Linux, on Windows, on CUDA.
    /// </summary>
    private static bool IsOutOfMemory(string message) =>
        message.Contains("can't allocate memory", StringComparison.Ordinal)
        || message.Contains("not enough memory", StringComparison.Ordinal)
        || message.Contains("out of memory", StringComparison.Ordinal);

    /// <summary>
    /// Creates the copies of the model that the execution plan asks for. The plan is the run's own if it has one, else
    /// the machine's.
    /// </summary>
    private Replicas<TBatch> CreateReplicas(Run run, TrainingLimits limits, IProgress<TrainingProgress> progress,
        CancellationToken cancellation)
    {
        Func<GradientModel<TBatch>>? create = hooks.CreateReplica is { } hook ? () =>
            (GradientModel<TBatch>)hook() : null;
        var planner = new ExecutionPlanner(recipe, run.Home,
            message => progress.Report(new TrainingProgress { Step = 0, Message = message }));
        var limit = new MeasuringLimit(TimeProvider.System, limits.TotalSteps, limits.Seconds, cancellation);
        ExecutionPlan plan = planner.Resolve(run.Folder, canReplicate: create is not null, limit, candidate =>
        {
            PlanTiming? timing;
            using (var replicas = new Replicas<TBatch>(model, create, candidate))
                timing = ExecutionPlanner.Time(replicas, training.Get(0), recipe.Seed, limit);
            ComputeDevice.GiveMemoryBack(); // the next one, or what learns in the end, may need other pieces
            return timing;
        });
        if (plan != new ExecutionPlan(1, 1))
            progress.Report(new TrainingProgress { Step = 0, Message = plan.ToString() });
        return new Replicas<TBatch>(model, create, plan);
    }
}
