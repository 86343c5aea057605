using System.Numerics;

namespace Atelier.Evaluation.Text;

/// <summary>
/// A metric that compares generated texts with reference texts. It is computed from the statistics of each text, which
/// are added up; so the statistics are counted once, and resamples and comparisons only add them.
/// </summary>
/// <typeparam name="TStatistics">The statistics of a text.</typeparam>
public interface IReferenceMetric<TStatistics>
    where TStatistics : struct, IAdditionOperators<TStatistics, TStatistics, TStatistics>
{
    /// <summary>The unit of the metric.</summary>
    string Unit { get; }

    /// <summary>Counts the statistics of one text.</summary>
    /// <param name="hypothesis">The generated text.</param>
    /// <param name="references">The reference texts, at least one.</param>
    /// <exception cref="ArgumentException">There is no reference.</exception>
    TStatistics Count(string hypothesis, IReadOnlyList<string> references);

    /// <summary>Computes the metric of a corpus from the sum of its statistics; more is better.</summary>
    double Value(TStatistics total);
}

/// <summary>Computes metrics of corpora. The methods are safe for concurrent use.</summary>
public static class ReferenceMetrics
{
    /// <summary>Counts the statistics of each text of a corpus, on all cores.</summary>
    /// <param name="metric">The metric.</param>
    /// <param name="hypotheses">The generated texts.</param>
    /// <param name="references">The reference texts of each generated text, at least one each.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="ArgumentException">A text has no reference, or the lists differ in length.</exception>
    public static TStatistics[] Count<TStatistics>(this IReferenceMetric<TStatistics> metric,
        IReadOnlyList<string> hypotheses, IReadOnlyList<IReadOnlyList<string>> references,
        CancellationToken cancellation = default)
        where TStatistics : struct, IAdditionOperators<TStatistics, TStatistics, TStatistics>
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(references.Count, hypotheses.Count);
        foreach (IReadOnlyList<string> ofText in references)
            RequireReference(ofText);
        var statistics = new TStatistics[hypotheses.Count];
        Parallel.For(0, statistics.Length, new ParallelOptions { CancellationToken = cancellation },
            i => statistics[i] = metric.Count(hypotheses[i], references[i]));
        return statistics;
    }

    /// <summary>Throws if a text has no reference.</summary>
    internal static void RequireReference(IReadOnlyList<string> references)
    {
        if (references.Count == 0)
            throw new ArgumentException("a text needs at least one reference", nameof(references));
    }

    /// <summary>Computes the metric of a corpus, without an interval.</summary>
    /// <param name="metric">The metric.</param>
    /// <param name="hypotheses">The generated texts.</param>
    /// <param name="references">The reference texts of each generated text, at least one each.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="ArgumentException">A text has no reference, or the lists differ in length.</exception>
    public static double Corpus<TStatistics>(this IReferenceMetric<TStatistics> metric,
        IReadOnlyList<string> hypotheses, IReadOnlyList<IReadOnlyList<string>> references,
        CancellationToken cancellation = default)
        where TStatistics : struct, IAdditionOperators<TStatistics, TStatistics, TStatistics> =>
        metric.Value(Bootstrap.Total(metric.Count(hypotheses, references, cancellation)));

    /// <summary>Computes the metric of a corpus with a 95 % bootstrap interval over its texts.</summary>
    /// <param name="metric">The metric.</param>
    /// <param name="statistics">The statistics of each text.</param>
    /// <param name="samples">The number of resamples.</param>
    /// <param name="seed">The random seed.</param>
    public static Metric Measure<TStatistics>(this IReferenceMetric<TStatistics> metric,
        IReadOnlyList<TStatistics> statistics, int samples, long seed)
        where TStatistics : struct, IAdditionOperators<TStatistics, TStatistics, TStatistics>
    {
        (double low, double high) =
            Bootstrap.Central([.. Bootstrap.Resample(statistics, samples, seed).Select(metric.Value)]);
        return new(metric.Value(Bootstrap.Total(statistics)), low, high, metric.Unit);
    }

    /// <summary>Compares two systems on the same texts by the paired bootstrap.</summary>
    /// <param name="metric">The metric.</param>
    /// <param name="own">The statistics of each text by the one system.</param>
    /// <param name="other">The statistics of the same texts by the other system.</param>
    /// <param name="samples">The number of resamples.</param>
    /// <param name="seed">The random seed.</param>
    public static PairedBootstrap Compare<TStatistics>(this IReferenceMetric<TStatistics> metric,
        IReadOnlyList<TStatistics> own, IReadOnlyList<TStatistics> other, int samples, long seed)
        where TStatistics : struct, IAdditionOperators<TStatistics, TStatistics, TStatistics> =>
        PairedBootstrap.Of(own, other, metric.Value, samples, seed, metric.Unit);
}
