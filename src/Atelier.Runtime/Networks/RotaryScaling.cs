namespace Atelier.Networks;

/// <summary>
/// How the rotary angles of a model are stretched so that it reads longer texts than it was first trained on.
/// </summary>
public enum RotaryScalingName
{
    /// <summary>All angles divided by the factor (Chen et al. 2023).</summary>
    Linear,

    /// <summary>
    /// Llama 3.1's: slow angles divided by the factor, fast ones kept, those between blended (Dubey et al. 2024).
    /// </summary>
    Llama3,

    /// <summary>
    /// YaRN (Peng et al. 2023, section 3): by the turns that an angle makes in the original context; attention
    /// sharpened.
    /// </summary>
    Yarn,
}

/// <summary>The scaling of rotary angles, named as in config.json's rope_scaling.</summary>
public sealed record RotaryScaling
{
    /// <summary>Its kind.</summary>
    public required RotaryScalingName Name { get; init; }

    /// <summary>How many times longer the texts become; above 0.</summary>
    public required double Factor { get; init; }

    /// <summary>The context that the model was first trained on; Llama3 and Yarn need it.</summary>
    public int OriginalContextLength { get; init; }

    /// <summary>Llama3: angles that turn fewer times in the original context are divided by the factor whole.</summary>
    public double LowFrequencyFactor { get; init; } = 1;

    /// <summary>Llama3: angles that turn more often in the original context are kept.</summary>
    public double HighFrequencyFactor { get; init; } = 4;

    /// <summary>Yarn: angles that turn more often in the original context are kept.</summary>
    public double BetaFast { get; init; } = 32;

    /// <summary>Yarn: angles that turn fewer times in the original context are divided by the factor whole.</summary>
    public double BetaSlow { get; init; } = 1;

    /// <summary>Yarn: multiplies cosine and sine; null takes 0.1 ln(factor) + 1.</summary>
    public double? AttentionFactor { get; init; }
}
