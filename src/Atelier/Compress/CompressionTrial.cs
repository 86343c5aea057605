namespace Atelier.Compress;

/// <summary>One way of compression that a search has tried.</summary>
/// <param name="Name">What was done, such as "q4" or "pruned-50%-q8".</param>
/// <param name="Bytes">The size of the weight files in bytes.</param>
/// <param name="QuickLoss">The loss of quality on a few passages, as a share: see <see
/// cref="CompressionSearchOptions.MostLoss"/>.</param>
public sealed record CompressionTrial(string Name, long Bytes, double QuickLoss)
{
    /// <summary>The loss of quality on all held-out text, as a share; null if only a few passages were read.</summary>
    public double? Loss { get; init; }

    /// <summary>The upper end of the 95 % interval of <see cref="Loss"/>.</summary>
    public double? MostLoss { get; init; }
}

/// <summary>The result of a search for the best compression.</summary>
/// <param name="Best">The report of the compression that was kept.</param>
/// <param name="Trials">All that was tried.</param>
/// <param name="Plot">The path of a plot of all that was tried, as PNG.</param>
public sealed record CompressionSearchReport(CompressionReport Best, IReadOnlyList<CompressionTrial> Trials,
    string Plot);
