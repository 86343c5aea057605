namespace Atelier.Compress;

/// <summary>How a model is compressed.</summary>
public sealed record CompressionOptions
{
    /// <summary>The value of <see cref="Calibration"/> that rounds each weight to the nearest.</summary>
    public const string NoCalibration = "none";

    /// <summary>The value of <see cref="Prune"/> that prunes two of every four neighbouring weights.</summary>
    public const string TwoOfFour = "2:4";

    /// <summary>What <see cref="Prune"/> begins with to prune channels, before their share.</summary>
    public const string Channels = "channels:";

    /// <summary>
    /// The type of the weights: "q8", "q4", "q3" or "q2", or one of GGUF's types of groups with a scale, such as
    /// "q4_k"; null keeps theirs.
    /// </summary>
    public string? Type { get; init; }

    /// <summary>
    /// The share of the weights of each layer between the embedding and the head to set to zero, such as "50%"; or
    /// "2:4", two of every four neighbours; or "channels:25%", which removes this share of the channels of each
    /// feed-forward layer. Null prunes none.
    /// </summary>
    public string? Prune { get; init; }

    /// <summary>
    /// The number of training steps in which a pruned model recovers; null takes a quarter of those of its run, and
    /// none without a run.
    /// </summary>
    public long? RecoverySteps { get; init; }

    /// <summary>
    /// The text that pruning and weights of 4 bits or fewer are calibrated on: a file, a folder, the name of a
    /// catalogue entry or a world; or "none", which rounds each weight to the nearest. Null uses the training text of
    /// the run, if it exists.
    /// </summary>
    public string? Calibration { get; init; }

    /// <summary>
    /// Other data to compare on: a file, a folder, the name of a catalogue entry or a world; null uses the held-out
    /// text of the run, if it exists.
    /// </summary>
    public string? Against { get; init; }

    /// <summary>A name for folders and tables, such as "q4" or "pruned-50%-q8".</summary>
    public string Name => string.Join('-', ((string?[])[
        Prune is null ? null : $"pruned-{Prune.Replace(':', '-')}", Type]).OfType<string>());
}
