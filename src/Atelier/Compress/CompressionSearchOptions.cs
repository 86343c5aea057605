namespace Atelier.Compress;

/// <summary>What the best compression is searched for.</summary>
public sealed record CompressionSearchOptions
{
    /// <summary>The largest size of the weights on disk as a share of the original's, such as "25%".</summary>
    public required string Budget { get; init; }

    /// <summary>
    /// The largest loss of quality, such as "1%": of a model that continues texts, the increase of the held-out loss;
    /// of one that turns texts into vectors, 100 % less the correlation of similarities. It is compared with the upper
    /// end of the 95 % interval. Null bounds only the size.
    /// </summary>
    public string? MostLoss { get; init; }

    /// <summary>
    /// The number of training steps in which pruned models recover; null tries no pruned models.
    /// </summary>
    public long? RecoverySteps { get; init; }

    /// <inheritdoc cref="CompressionOptions.Calibration"/>
    public string? Calibration { get; init; }

    /// <inheritdoc cref="CompressionOptions.Against"/>
    public string? Against { get; init; }
}
