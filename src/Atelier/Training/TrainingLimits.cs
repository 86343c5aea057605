using Atelier.Recipes;
using Atelier.Runs;

namespace Atelier.Training;

/// <summary>The size of a step and the end of training, from a recipe and its data.</summary>
/// <param name="BatchesPerTurn">Batches whose gradients make a move.</param>
/// <param name="BatchesPerStep">Batches of a step: those of the turn that is taken the most often.</param>
/// <param name="ItemsPerStep">Items in them.</param>
/// <param name="TotalSteps">The step that the limits of steps and epochs end at; null where neither is set.</param>
/// <param name="ByEpochs">Whether that is the limit of epochs.</param>
/// <param name="Seconds">The limit of time; null where there is none.</param>
/// <param name="Patience">Measurements without improvement that end training; 0 for no such limit.</param>
internal sealed record TrainingLimits(
    long BatchesPerTurn, long BatchesPerStep, long ItemsPerStep, long? TotalSteps, bool ByEpochs, double? Seconds,
        int Patience)
{
    /// <summary>The limits of a recipe.</summary>
    /// <param name="section">The training settings.</param>
    /// <param name="batchesPerEpoch">Batches in one pass over the data.</param>
    /// <param name="itemsPerBatch">Items in one.</param>
    /// <param name="validated">Whether there are validation data.</param>
    /// <param name="repeats">How often the turn that is taken the most often is taken in a step.</param>
    /// <exception cref="AtelierException">There is no data, or the training would never end.</exception>
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
        return new(parts, parts * repeats, parts * repeats * itemsPerBatch, total, total is not null
            && total != section.Steps, section.Minutes * 60, section.Patience);
    }

    /// <summary>Why to stop before the next step, or null to go on.</summary>
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

    /// <summary>The estimated time left, by whichever limit comes first.</summary>
    public TimeSpan? Remaining(TrainingState state, double secondsPerStep)
    {
        double left = Math.Min(
            TotalSteps is { } total ? (total - state.Step) * secondsPerStep : double.PositiveInfinity,
            Seconds is { } limit ? limit - state.ElapsedSeconds : double.PositiveInfinity);
        return left < TimeSpan.MaxValue.TotalSeconds / 2 ? TimeSpan.FromSeconds(Math.Max(0, left)) : null;
    }
}
