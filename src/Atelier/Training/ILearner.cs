using Atelier.Runs;

namespace Atelier.Training;

/// <summary>
/// Trains a model until the recipe's limits are reached. Counting and expectation maximisation implement it directly;
/// gradient descent uses the trainer.
/// </summary>
public interface ILearner
{
    /// <summary>
    /// Trains the model, saves checkpoints in the run's folder, and writes the bundle at the end. Continues from the
    /// last checkpoint, if there is one.
    /// </summary>
    /// <param name="run">The run, with its folder and recipe.</param>
    /// <param name="progress">Receives each progress report; may be called from another thread.</param>
    /// <param name="cancellation">Ends training early: a checkpoint is saved first, and the report says that training
    /// was interrupted. Throws if there is nothing to save.</param>
    /// <exception cref="OperationCanceledException">Training was cancelled before the first step, or during counting,
    /// which saves no partial result.</exception>
    Task<TrainingReport> LearnAsync(Run run, IProgress<TrainingProgress> progress, CancellationToken cancellation);
}

/// <summary>A learner that can train one model together with the other ranks of <see cref="Run.Ranks"/>.</summary>
internal interface IRankLearner : ILearner;

/// <summary>The progress of a training.</summary>
public sealed record TrainingProgress
{
    /// <summary>The step just completed, from 1.</summary>
    public required long Step { get; init; }

    /// <summary>The last step; null if it is unknown, because only time or convergence ends training.</summary>
    public long? TotalSteps { get; init; }

    /// <summary>The mean loss since the last report.</summary>
    public double? Loss { get; init; }

    /// <summary>
    /// Further metrics since the last report, by name: the losses of other objectives, and metrics that the model
    /// records.
    /// </summary>
    public IReadOnlyDictionary<string, double> Figures { get; init; } = new Dictionary<string, double>();

    /// <summary>The loss on the validation data, if it was just measured.</summary>
    public double? ValidationLoss { get; init; }

    /// <summary>
    /// The number of validation batches that were evaluated, and of all validation batches; null if none was just
    /// evaluated.
    /// </summary>
    public (long Taken, long InAll)? ValidationBatches { get; init; }

    /// <summary>The learning rate of the step just completed.</summary>
    public double? LearningRate { get; init; }

    /// <summary>Items (tokens, images, rows) per second since the last report.</summary>
    public double? ItemsPerSecond { get; init; }

    /// <summary>The unit of the items, such as "tokens".</summary>
    public string ItemUnit { get; init; } = "tokens";

    /// <summary>The estimated time left.</summary>
    public TimeSpan? Remaining { get; init; }

    /// <summary>A sample of the model: a text, or the path of an image.</summary>
    public string? Sample { get; init; }

    /// <summary>Whether training begins with this report: from now on an interruption saves a checkpoint.</summary>
    public bool IsLearning { get; init; }

    /// <summary>A message for the user, such as a note that a checkpoint was saved.</summary>
    public string? Message { get; init; }
}

/// <summary>The result of a training.</summary>
/// <param name="Steps">The number of steps in all sessions.</param>
/// <param name="Seconds">The training time of all sessions in seconds.</param>
/// <param name="StopReason">Why training ended: "steps", "epochs", "time", "early-stopping", "interrupted" or
/// "converged".</param>
/// <param name="Metrics">The final metrics by name: "trainingLoss", "validationLoss" …</param>
public sealed record TrainingReport(
    long Steps, double Seconds, string StopReason, IReadOnlyDictionary<string, double> Metrics)
{
    /// <summary>
    /// The units of losses and of the model's own metrics, such as "nats/token", by name of the metric; others are
    /// counts.
    /// </summary>
    public IReadOnlyDictionary<string, string> Units { get; init; } = new Dictionary<string, string>();
}
