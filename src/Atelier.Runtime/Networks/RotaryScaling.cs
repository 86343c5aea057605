namespace Atelier.Networks;

/// <summary>
/// The method that scales the rotary angles of a model for longer texts than it was first trained on.
/// </summary>
public enum RotaryScalingName
{
    /// <summary>Linear scaling: divides all angles by the factor (Chen et al. 2023).</summary>
    Linear,

    /// <summary>
    /// The scaling of Llama 3.1: divides low frequencies by the factor, keeps high ones, and interpolates between
    /// (Dubey et al. 2024).
    /// </summary>
    Llama3,

    /// <summary>
    /// YaRN (Peng et al. 2023, section 3): scales angles by the number of rotations they make over the original
    /// context, and sharpens the attention.
    /// </summary>
    Yarn,
}

/// <summary>The scaling of rotary angles, named as in config.json's rope_scaling.</summary>
public sealed record RotaryScaling
{
    /// <summary>The method of scaling.</summary>
    public required RotaryScalingName Name { get; init; }

    /// <summary>The factor by which the context becomes longer; above 0.</summary>
    public required double Factor { get; init; }

    /// <summary>The context length that the model was first trained with. Required for Llama3 and Yarn.</summary>
    public int OriginalContextLength { get; init; }

    /// <summary>
    /// Llama3: angles with fewer rotations than this over the original context are divided by the whole factor.
    /// </summary>
    public double LowFrequencyFactor { get; init; } = 1;

    /// <summary>Llama3: angles with more rotations than this over the original context are kept.</summary>
    public double HighFrequencyFactor { get; init; } = 4;

    /// <summary>Yarn: angles with more rotations than this over the original context are kept.</summary>
    public double BetaFast { get; init; } = 32;

    /// <summary>
    /// Yarn: angles with fewer rotations than this over the original context are divided by the whole factor.
    /// </summary>
    public double BetaSlow { get; init; } = 1;

    /// <summary>Yarn: the factor of cosines and sines; null takes 0.1 ln(factor) + 1.</summary>
    public double? AttentionFactor { get; init; }
}
