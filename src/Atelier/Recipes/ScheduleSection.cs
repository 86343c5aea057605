using System.ComponentModel.DataAnnotations;

namespace Atelier.Recipes;

/// <summary>The learning rate schedule: how the learning rate changes with the step.</summary>
public sealed record ScheduleSection
{
    /// <summary>What the paths of its keys begin with.</summary>
    internal const string Path = "training.schedule.";

    /// <summary>The shape of the schedule after the warm-up.</summary>
    public ScheduleName Name { get; init; } = ScheduleName.Cosine;

    /// <summary>The number of steps over which the learning rate rises linearly from zero.</summary>
    [Range(0, long.MaxValue)]
    public long WarmupSteps { get; init; } = 100;

    /// <summary>The final learning rate as a fraction of the highest.</summary>
    [Range(0.0, 1.0)]
    public double FinalShare { get; init; } = 0.1;

    /// <summary>The number of steps over which the learning rate falls; null takes the length of the run.</summary>
    [Range(1, long.MaxValue)]
    public long? DecaySteps { get; init; }

    /// <summary>Whether the schedule reads a key of this section.</summary>
    internal bool Reads(string key) => key is not ("finalShare" or "decaySteps")
        || Name is not (ScheduleName.Constant or ScheduleName.InverseSquareRoot);
}

/// <summary>Shapes of learning rate schedules.</summary>
public enum ScheduleName
{
    /// <summary>Half a period of a cosine (Loshchilov and Hutter 2017).</summary>
    Cosine,

    /// <summary>A constant learning rate.</summary>
    Constant,

    /// <summary>A linear decay.</summary>
    Linear,

    /// <summary>One cycle: a rise and a fall along cosines (Smith and Topin 2018).</summary>
    OneCycle,

    /// <summary>Proportional to one over the square root of the step (Vaswani et al. 2017).</summary>
    InverseSquareRoot,
}
