using System.Runtime.InteropServices;
using Atelier.Data;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tensors;
using Atelier.Tensors.Ranks;
using Atelier.Training.Distributed;
using Atelier.Training.Execution;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Training;

/// <summary>A sample that was generated during training.</summary>
/// <param name="File">The path of its file.</param>
/// <param name="Shown">The text that progress reports show: a text sample itself, or the path of an image.</param>
public readonly record struct TrainingSample(string File, string Shown);

/// <summary>The functions and values that a family gives to the trainer.</summary>
public sealed record TrainerHooks
{
    /// <summary>Writes the current model as a bundle to a folder.</summary>
    public required Action<string> WriteBundle { get; init; }

    /// <summary>
    /// Writes the bundle of an interrupted training, in no more time than a step takes; null if
    /// <see cref="WriteBundle"/> is fast enough.
    /// </summary>
    public Action<string>? WriteInterrupted { get; init; }

    /// <summary>
    /// Generates a sample from a fixed seed and writes it to a file. Receives the path of the file without its
    /// extension, in an existing folder. Null generates no samples during training.
    /// </summary>
    public Func<string, CancellationToken, TrainingSample>? WriteSample { get; init; }

    /// <summary>Reference values of the loss for plots, by name, such as "exact entropy".</summary>
    public IReadOnlyDictionary<string, double> ReferenceLosses { get; init; } = new Dictionary<string, double>();

    /// <summary>
    /// Creates another model of the same shape on the CPU; null if the rows of a batch cannot be divided among copies.
    /// </summary>
    public Func<nn.Module>? CreateReplica { get; init; }

    /// <summary>What the user should know before training begins, one sentence each.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>The unit of the items in a batch.</summary>
    public string ItemUnit { get; init; } = "tokens";
}

/// <summary>Trains a model by gradient descent, on a separate thread.</summary>
/// <typeparam name="TBatch">The type of a batch.</typeparam>
/// <param name="recipe">The recipe. Its training section and seed are the trainer's only settings.</param>
/// <param name="model">The model, which is moved to the recipe's device and trained in place.</param>
/// <param name="training">The training batches.</param>
/// <param name="validation">The validation batches; null for none.</param>
/// <param name="hooks">The functions of the family.</param>
public sealed class Trainer<TBatch>(
    Recipe recipe,
    GradientModel<TBatch> model,
    IBatchSource<TBatch> training,
    IBatchSource<TBatch>? validation,
    TrainerHooks hooks) : IRankLearner, ILearningRateFinder
{
    /// <inheritdoc/>
    /// <exception cref="AtelierException">The loss is not finite, a batch does not fit in memory, the disk is full, or
    /// training would never end.</exception>
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
                        "lower it and raise training.gradientAccumulation by the same factor, which trains the same, "
                            + "or set training.activationCheckpointing to true", e);
                }
            },
            // Cancellation must not cancel the task: it ends the loop, which saves a checkpoint first.
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
        foreach (string note in hooks.Notes)
            progress.Report(new TrainingProgress { Step = 0, Message = note });
        Device device = PrepareDevice(cancellation, run.Job?.RanksPerCores ?? 1);
        model.train();
        model.ActivationCheckpointing = section.ActivationCheckpointing;
        using IDisposable? profiled = run.Profile?.Follow(device); // before other threads start
        TrainingLimits limits = TrainingLimits.Of(section, training.BatchesPerEpoch, training.ItemsPerBatch,
            validation is not null, model.Objectives.Max(objective => objective.Repeats));
        using Replicas<TBatch> replicas = CreateReplicas(run, limits, progress, cancellation);
        var schedule = new LearningRateSchedule(section.Schedule, section.Optimizer.LearningRate, limits.TotalSteps);
        using var session =
            new TrainingSession<TBatch>(recipe, model, replicas, validation, hooks, run, progress, limits);
        using var batches = new BatchQueue<TBatch>(training, BatchNumbers(session.State, limits), device);

        progress.Report(new TrainingProgress
        {
            Step = session.State.Step,
            TotalSteps = limits.TotalSteps,
            ItemUnit = hooks.ItemUnit,
            IsLearning = true,
        });
        string? stopReason;
        while ((stopReason =
            RankAgreement.StopReason(run.Ranks, limits.StopReason(session.State, cancellation))) is null)
        {
            session.BeginStep();
            long step = session.State.Step + 1;
            double learningRate = schedule.Rate(step);
            using (NewDisposeScope())
            {
                replicas.Seed(recipe.Seed, step);
                foreach (ObjectiveOptimizer<TBatch> optimizer in session.Optimizers)
                {
                    for (int repeat = 0; repeat < optimizer.Objective.Repeats; repeat++)
                    {
                        optimizer.Begin();
                        foreach (long number in BatchNumbers(session.State, limits, optimizer.Objective, repeat))
                            optimizer.Learn(batches.Take(number), limits.BatchesPerTurn);
                        optimizer.Move(learningRate);
                    }
                }
                session.Average?.Update(step);
            }
            if (section.ActivationCheckpointing && !model.HasBlocks)
                throw new AtelierException("this model has no blocks to recompute",
                    "training.activationCheckpointing", "leave it out");
            session.EndStep(limits.BatchesPerStep);
            session.AfterStep(learningRate, cancellation);
        }
        return session.Finish(stopReason);
    }

    /// <summary>Configures the recipe's device, moves the model there, and prepares it for fine-tuning.</summary>
    /// <param name="cancellation">Cancels the check of the tensor library.</param>
    /// <param name="sharers">The number of ranks that divide the cores of the machine.</param>
    private Device PrepareDevice(CancellationToken cancellation, int sharers = 1)
    {
        Device device = ComputeDevice.ResolveForTraining(recipe.Training.Device, cancellation);
        ComputeDevice.Configure(sharers == 1 ? recipe.Training.Threads
            : ComputeDevice.ThreadsOf(recipe.Training.Threads, sharers));
        ComputeDevice.AllowTf32(recipe.Training.ChosenPrecision == Precision.Tf32);
        FineTuning.Prepare(model, recipe, device);
        return device;
    }

    /// <summary>Returns the number of a batch of the next step, by its position in the step.</summary>
    private long BatchNumber(TrainingState state, long part)
    {
        if (recipe.Training.OverfitOneBatch)
            return 0;
        bool isFullBatch = recipe.Training.Optimizer.Name == OptimizerName.FullBatch; // the same batches in each step
        return isFullBatch ? part % training.BatchesPerEpoch : state.Batch + part;
    }

    /// <summary>
    /// Returns the batches of one optimisation of an objective in the next step. An objective with fewer repeats than
    /// others uses the last batches of the step.
    /// </summary>
    private IEnumerable<long> BatchNumbers(TrainingState state, TrainingLimits limits, Objective<TBatch> objective,
        int repeat)
    {
        long first = limits.BatchesPerStep - ((objective.Repeats - repeat) * limits.BatchesPerTurn);
        for (long part = first; part < first + limits.BatchesPerTurn; part++)
            yield return BatchNumber(state, part);
    }

    /// <summary>Returns the numbers of all batches, in the order in which the loop uses them.</summary>
    private IEnumerable<long> BatchNumbers(TrainingState state, TrainingLimits limits)
    {
        TrainingState Next(TrainingState current) => current with { Batch = current.Batch + limits.BatchesPerStep };
        if (BatchNumber(state, 0) == BatchNumber(Next(state), limits.BatchesPerStep - 1))
        {
            yield return 0; // the same batch in each step: the queue keeps it
            yield break;
        }
        for (; ; state = Next(state))
        {
            foreach (Objective<TBatch> objective in model.Objectives)
            {
                for (int repeat = 0; repeat < objective.Repeats; repeat++)
                {
                    foreach (long number in BatchNumbers(state, limits, objective, repeat))
                        yield return number;
                }
            }
        }
    }

    /// <summary>
    /// Returns whether an error message of libtorch means that memory is exhausted (on Linux, on Windows or on CUDA).
    /// </summary>
    private static bool IsOutOfMemory(string message) =>
        message.Contains("can't allocate memory", StringComparison.Ordinal)
        || message.Contains("not enough memory", StringComparison.Ordinal)
        || message.Contains("out of memory", StringComparison.Ordinal);

    /// <summary>
    /// Creates the copies of the model by the execution plan of the run, or of the machine if the run has none yet.
    /// </summary>
    private Replicas<TBatch> CreateReplicas(Run run, TrainingLimits limits, IProgress<TrainingProgress> progress,
        CancellationToken cancellation)
    {
        Func<GradientModel<TBatch>>? create =
            hooks.CreateReplica is { } hook ? () => (GradientModel<TBatch>)hook() : null;
        if (run.Job is { } job)
            return CreateReplicas(job, create, progress);
        var planner = new ExecutionPlanner(recipe, run.Home,
            message => progress.Report(new TrainingProgress { Step = 0, Message = message }));
        var limit = new MeasuringLimit(TimeProvider.System, limits.TotalSteps, limits.Seconds, cancellation);
        ExecutionPlan plan = planner.Resolve(run.Folder, canReplicate: create is not null, limit, candidate =>
        {
            PlanTiming? timing;
            using (var replicas = new Replicas<TBatch>(model, create, candidate))
                timing = ExecutionPlanner.Time(replicas, training.Get(0), recipe.Seed, limit);
            ComputeDevice.GiveMemoryBack(); // the next plan may need blocks of other sizes
            return timing;
        });
        if (plan != new ExecutionPlan(1, 1))
            progress.Report(new TrainingProgress { Step = 0, Message = plan.ToString() });
        return new Replicas<TBatch>(model, create, plan);
    }

    /// <summary>
    /// Creates the copies of the model on a rank of a job: one for each core that the rank has, unless the recipe sets
    /// their number. Nothing is measured, because the ranks would disturb one another.
    /// </summary>
    private Replicas<TBatch> CreateReplicas(RankJob job, Func<GradientModel<TBatch>>? create,
        IProgress<TrainingProgress> progress)
    {
        using var scope = NewDisposeScope();
        TBatch first = training.Get(0);
        if (create is null || first is not IDivisibleBatch<TBatch> rows || !model.DividesAmongRanks)
            throw new AtelierException("this model needs whole batches, so it cannot be trained on several ranks",
                Mention.Field("ranks"), "train it with one process");
        int threads = ComputeDevice.ThreadsOf(recipe.Training.Threads, job.RanksPerCores);
        bool isCpu = ComputeDevice.Resolve(recipe.Training.Device).type == DeviceType.CPU;
        int copies = recipe.Training.Replicas > 0 ? recipe.Training.Replicas : isCpu ? threads : 1;
        int parts = rows.Divide(job.Size * copies).Count;
        if (parts < job.Size)
            throw new AtelierException($"a batch of {Quantity.Of(parts, "row")} cannot be divided among "
                + $"{job.Size} ranks", "training.batchSize", $"use larger batches or fewer {Mention.Field("ranks")}");
        copies = Math.Min(copies, (parts + job.Size - 1) / job.Size);
        (first as IDisposable)?.Dispose();
        var plan = new ExecutionPlan(copies, Math.Max(1, threads / copies));
        progress.Report(new TrainingProgress
        {
            Step = 0, Message = $"{job.Size} ranks share each batch ({job.Library}); on each, {plan}",
        });
        return new Replicas<TBatch>(model, create, plan, job.Communicator);
    }
}
