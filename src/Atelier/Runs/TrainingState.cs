namespace Atelier.Runs;

/// <summary>Where a run stands, apart from its tensors.</summary>
internal sealed record TrainingState
{
    /// <summary>Steps done.</summary>
    public long Step { get; init; }

    /// <summary>The number of the next batch: the position in the data.</summary>
    public long Batch { get; init; }

    /// <summary>The recipe's seed: with the step it gives the random numbers of each step.</summary>
    public long Seed { get; init; }

    /// <summary>A hash of the recipe.</summary>
    public string RecipeHash { get; init; } = "";

    /// <summary>The lowest validation loss so far.</summary>
    public double? BestLoss { get; init; }

    /// <summary>The step it was measured after.</summary>
    public long? BestStep { get; init; }

    /// <summary>Measurements since then.</summary>
    public int WithoutImprovement { get; init; }

    /// <summary>Seconds of learning in all sessions.</summary>
    public double ElapsedSeconds { get; init; }

    /// <summary>The state after a measurement on validation data.</summary>
    public TrainingState Measured(double loss) => loss < (BestLoss ?? double.PositiveInfinity)
        ? this with { BestLoss = loss, BestStep = Step, WithoutImprovement = 0 }
        : this with { WithoutImprovement = WithoutImprovement + 1 };
}
