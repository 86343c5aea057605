using Atelier.Runs;

namespace Atelier.Training;

/// <summary>
/// Trains a model until the recipe's limits are reached. Counting and expectation maximisation implement it directly;
/// gradient descent uses the trainer.
/// </summary>
public interface ILearner
{
    /// <summary>
    /// Trains, saves checkpoints in the run's folder, and writes the bundle at the end. Continues from the last
    /// checkpoint, if there is one.
    /// </summary>
    /// <param name="run">The run's folder and recipe.</param>
    /// <param name="progress">Receives each progress report; may be called from another thread.</param>
    /// <param name="cancellation">Ends training early: a checkpoint is saved first, and the report says that it was
    /// interrupted. Throws if there is nothing to save.</param>
    /// <exception cref="OperationCanceledException">It was cancelled before the first step, or while counting, which
    /// keeps nothing half done.</exception>
    Task<TrainingReport> LearnAsync(Run run, IProgress<TrainingProgress> progress, CancellationToken cancellation);
}

/// <summary>Where training stands.</summary>
public sealed record TrainingProgress
{
    /// <summary>The step just done, from 1.</summary>
    public required long Step { get; init; }

    /// <summary>The step it will end at, as far as is known; null where only time or convergence ends it.</summary>
    public long? TotalSteps { get; init; }

    /// <summary>The mean loss since the last report.</summary>
    public double? Loss { get; init; }

    /// <summary>
    /// What else was measured since the last report, by name: losses of a model's other turns, figures of its own.
    /// </summary>
    public IReadOnlyDictionary<string, double> Figures { get; init; } = new Dictionary<string, double>();

    /// <summary>The loss on validation data, where it was just measured.</summary>
    public double? ValidationLoss { get; init; }

    /// <summary>
    /// How many validation batches that is the mean of, and how many there are; null where it was not just measured.
    /// </summary>
    public (long Taken, long InAll)? ValidationBatches { get; init; }

    /// <summary>The learning rate of the step just done.</summary>
    public double? LearningRate { get; init; }

    /// <summary>Items (tokens, pictures, rows) learned from per second since the last report.</summary>
    public double? ItemsPerSecond { get; init; }

    /// <summary>What the items are: "tokens".</summary>
    public string ItemUnit { get; init; } = "tokens";

    /// <summary>The estimated time left.</summary>
    public TimeSpan? Remaining { get; init; }

    /// <summary>A sample of the model, for people to read or to look at.</summary>
    public string? Sample { get; init; }

    /// <summary>
    /// Whether learning begins here: from now on an interruption is followed by saving what was learned.
    /// </summary>
    public bool IsLearning { get; init; }

    /// <summary>A remark worth telling, such as a saved checkpoint.</summary>
    public string? Message { get; init; }
}

/// <summary>How training ended.</summary>
/// <param name="Steps">Steps done in all.</param>
/// <param name="Seconds">Seconds of learning in all sessions.</param>
/// <param name="StopReason">"steps", "epochs", "time", "early-stopping", "interrupted" or "converged".</param>
/// <param name="Metrics">Final figures by name: "trainingLoss", "validationLoss" …</param>
public sealed record TrainingReport(
    long Steps, double Seconds, string StopReason, IReadOnlyDictionary<string, double> Metrics);
