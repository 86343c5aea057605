namespace Atelier.Tasks.Series;

/// <summary>A capability: computes the likelihood of series of numbers.</summary>
public interface ISeriesModel
{
    /// <summary>The names of the columns.</summary>
    IReadOnlyList<string> Columns { get; }

    /// <summary>The number of free parameters, which BIC penalises.</summary>
    long FreeParameters { get; }

    /// <summary>What the values are; likelihoods of numbers are densities, those of others probabilities.</summary>
    SeriesValues Values { get; }

    /// <summary>
    /// Returns the log-density of each series, or the log-probability of counts or categories, in nats; minus infinity
    /// if a series is impossible under the model.
    /// </summary>
    /// <param name="series">The series, each as [time, column].</param>
    /// <param name="cancellation">Cancels the operation.</param>
    double[] LogLikelihoods(IReadOnlyList<double[]> series, CancellationToken cancellation = default);
}

/// <summary>What the values of series are.</summary>
public enum SeriesValues
{
    /// <summary>Real numbers.</summary>
    Numbers,

    /// <summary>Counts: whole numbers from 0.</summary>
    Counts,

    /// <summary>The categories of each column, numbered from 0.</summary>
    Categories,
}
