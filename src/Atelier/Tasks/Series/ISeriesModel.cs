namespace Atelier.Tasks.Series;

/// <summary>A model of sequences of numbers.</summary>
public interface ISeriesModel
{
    /// <summary>The columns it knows.</summary>
    IReadOnlyList<string> Columns { get; }

    /// <summary>The numbers it is free to choose: what BIC charges for.</summary>
    long FreeParameters { get; }

    /// <summary>
    /// Whether values are counts, and likelihoods their probabilities; otherwise likelihoods are densities of numbers.
    /// </summary>
    bool IsOfCounts { get; }

    /// <summary>
    /// The log-density of each series, or the log-probability of counts, in nats; minus infinity where it is
    /// impossible.
    /// </summary>
    /// <param name="series">Each [time, column].</param>
    /// <param name="cancellation">Cancels the operation.</param>
    double[] LogLikelihoods(IReadOnlyList<double[]> series, CancellationToken cancellation = default);
}
