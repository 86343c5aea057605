namespace Atelier.Runs;

/// <summary>The state of a run, apart from its tensors.</summary>
internal sealed record TrainingState
{
    /// <summary>The number of completed steps.</summary>
    public long Step { get; init; }

    /// <summary>The number of the next batch, which is the position in the data.</summary>
    public long Batch { get; init; }

    /// <summary>The seed of the recipe. Together with the step it determines the random numbers of a step.</summary>
    public long Seed { get; init; }

    /// <summary>A hash of the recipe.</summary>
    public string RecipeHash { get; init; } = "";

    /// <summary>The lowest validation loss so far.</summary>
    public double? BestLoss { get; init; }

    /// <summary>The step after which the lowest validation loss was measured.</summary>
    public long? BestStep { get; init; }

    /// <summary>The number of evaluations since then.</summary>
    public int WithoutImprovement { get; init; }

    /// <summary>The training time of all sessions in seconds.</summary>
    public double ElapsedSeconds { get; init; }

    /// <summary>Returns the state after an evaluation on the validation data.</summary>
    public TrainingState Measured(double loss) => loss < (BestLoss ?? double.PositiveInfinity)
        ? this with { BestLoss = loss, BestStep = Step, WithoutImprovement = 0 }
        : this with { WithoutImprovement = WithoutImprovement + 1 };
}
