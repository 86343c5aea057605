namespace Atelier.Tasks.Series;

/// <summary>A capability: computes the likelihood of series of numbers.</summary>
public interface ISeriesModel
{
    /// <summary>The names of the columns.</summary>
    IReadOnlyList<string> Columns { get; }

    /// <summary>The number of free parameters, which BIC penalises.</summary>
    long FreeParameters { get; }

    /// <summary>
    /// Whether values are counts and likelihoods are probabilities; otherwise values are real numbers and likelihoods
    /// are densities.
    /// </summary>
    bool IsOfCounts { get; }

    /// <summary>
    /// Returns the log-density of each series, or the log-probability of counts, in nats; minus infinity if a series is
    /// impossible under the model.
    /// </summary>
    /// <param name="series">The series, each as [time, column].</param>
    /// <param name="cancellation">Cancels the operation.</param>
    double[] LogLikelihoods(IReadOnlyList<double[]> series, CancellationToken cancellation = default);
}
