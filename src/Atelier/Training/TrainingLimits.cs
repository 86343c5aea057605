using Atelier.Recipes;
using Atelier.Runs;

namespace Atelier.Training;

/// <summary>The size of a training step and the limits of training, computed from a recipe and its data.</summary>
/// <param name="BatchesPerTurn">The number of batches per update of an objective, over which gradients are
/// averaged.</param>
/// <param name="BatchesPerStep">The number of batches per step: those of the objective with the most repeats.</param>
/// <param name="ItemsPerStep">The number of items in the batches of a step.</param>
/// <param name="TotalSteps">The last step by the limits on steps and epochs; null if neither is set.</param>
/// <param name="ByEpochs">Whether the limit on epochs determines the last step.</param>
/// <param name="Seconds">The limit on training time in seconds; null if there is none.</param>
/// <param name="Patience">The number of evaluations without improvement that ends training; 0 for no such
/// limit.</param>
internal sealed record TrainingLimits(long BatchesPerTurn, long BatchesPerStep, long ItemsPerStep, long? TotalSteps,
    bool ByEpochs, double? Seconds, int Patience)
{
    /// <summary>Computes the limits of a recipe.</summary>
    /// <param name="section">The training section of the recipe.</param>
    /// <param name="batchesPerEpoch">The number of batches in one pass over the data.</param>
    /// <param name="itemsPerBatch">The number of items in a batch.</param>
    /// <param name="validated">Whether there are validation data.</param>
    /// <param name="repeats">The largest number of repeats of an objective in a step.</param>
    /// <exception cref="AtelierException">There are too few data, or training would never end.</exception>
    public static TrainingLimits Of(TrainingSection section, long batchesPerEpoch, long itemsPerBatch, bool validated,
        int repeats = 1)
    {
        if (batchesPerEpoch < 1)
            throw new AtelierException("the training data does not fill one batch", "training.batchSize",
                "use a smaller batch or more data");
        if (section is { Steps: null, Epochs: null, Minutes: null }
            && (section.Patience == 0 || section.EvaluateEvery == 0 || !validated))
            throw new AtelierException("the training would never end", "training",
                "set training.steps, training.epochs or training.minutes");
        long parts = section.Optimizer.Name == OptimizerName.FullBatch ? batchesPerEpoch : section.GradientAccumulation;
        long? byEpochs = section.Epochs is { } epochs
            ? Math.Max(1, (long)Math.Ceiling(epochs * batchesPerEpoch / (parts * repeats)))
            : null;
        long? total = section.Steps is { } steps ? Math.Min(steps, byEpochs ?? steps) : byEpochs;
        bool isByEpochs = total is not null && total != section.Steps;
        return new(parts, parts * repeats, parts * repeats * itemsPerBatch, total, isByEpochs, section.Minutes * 60,
            section.Patience);
    }

    /// <summary>Returns why training must stop before the next step; null if it continues.</summary>
    public string? StopReason(TrainingState state, CancellationToken cancellation)
    {
        if (Patience > 0 && state.WithoutImprovement >= Patience)
            return "early-stopping"; // Prechelt 1998
        if (state.Step >= TotalSteps)
            return ByEpochs ? "epochs" : "steps";
        if (state.ElapsedSeconds >= Seconds)
            return "time";
        return cancellation.IsCancellationRequested ? "interrupted" : null;
    }

    /// <summary>Returns the estimated time until the first limit is reached; null if it is unknown.</summary>
    public TimeSpan? Remaining(TrainingState state, double secondsPerStep)
    {
        double left = Math.Min(
            TotalSteps is { } total ? (total - state.Step) * secondsPerStep : double.PositiveInfinity,
            Seconds is { } limit ? limit - state.ElapsedSeconds : double.PositiveInfinity);
        return left < TimeSpan.MaxValue.TotalSeconds / 2 ? TimeSpan.FromSeconds(Math.Max(0, left)) : null;
    }
}
