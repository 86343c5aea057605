using System.Numerics;

namespace Atelier.Evaluation;

/// <summary>
/// The difference of a metric between two systems on the same items, by the paired bootstrap (Koehn 2004): each
/// resample draws the same items for both.
/// </summary>
/// <param name="Difference">The metric of the one system minus that of the other, with its 95 % interval.</param>
/// <param name="Wins">The share of resamples in which the one system has the higher metric, 0 to 1.</param>
/// <param name="PValue">
/// The probability of a difference at least as large, in either direction, if the systems were equal: the share of
/// resamples in which the absolute difference exceeds its mean by at least the difference itself, as sacreBLEU computes
/// it; 1 for equal systems.
/// </param>
public sealed record PairedBootstrap(Metric Difference, double Wins, double PValue)
{
    /// <summary>Compares two systems.</summary>
    /// <param name="own">The statistics of each item by the one system.</param>
    /// <param name="other">The statistics of the same items by the other system.</param>
    /// <param name="value">Computes the metric from the sum of statistics.</param>
    /// <param name="samples">The number of resamples.</param>
    /// <param name="seed">The random seed.</param>
    /// <param name="unit">The unit of the metric.</param>
    /// <typeparam name="T">The statistics of an item.</typeparam>
    /// <exception cref="ArgumentException">The lists differ in length.</exception>
    public static PairedBootstrap Of<T>(IReadOnlyList<T> own, IReadOnlyList<T> other, Func<T, double> value,
        int samples, long seed, string unit)
        where T : struct, IAdditionOperators<T, T, T>
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(other.Count, own.Count);
        double[] drawn = [.. Bootstrap.Resample(own, samples, seed)
            .Zip(Bootstrap.Resample(other, samples, seed), (a, b) => value(a) - value(b))];
        double difference = value(Bootstrap.Total(own)) - value(Bootstrap.Total(other));
        double spread = drawn.Average(Math.Abs);
        double wins = drawn.Average(d => d > 0 ? 1.0 : 0);
        double beyond = (drawn.Count(d => Math.Abs(d) - spread >= Math.Abs(difference)) + 1.0) / (samples + 1);
        (double low, double high) = Bootstrap.Central(drawn);
        return new(new(difference, low, high, unit), wins, beyond);
    }
}
