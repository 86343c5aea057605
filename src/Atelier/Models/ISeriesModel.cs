using Atelier.Decoding;

namespace Atelier.Models;

/// <summary>A model of sequences of numbers.</summary>
public interface ISeriesModel : IGenerator
{
    /// <summary>The columns it knows.</summary>
    IReadOnlyList<string> Columns { get; }

    /// <summary>The numbers it is free to choose: what BIC charges for.</summary>
    long FreeParameters { get; }

    /// <summary>The log-density of each series, in nats; minus infinity where it is impossible.</summary>
    /// <param name="series">Each [time, column].</param>
    /// <param name="cancellation">Stops.</param>
    double[] LogLikelihoods(IReadOnlyList<double[]> series, CancellationToken cancellation = default);
}
