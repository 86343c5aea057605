using System.Numerics;

namespace Atelier.Evaluation;

/// <summary>Computes confidence intervals by the bootstrap: resampling with replacement (Efron 1979).</summary>
public static class Bootstrap
{
    /// <summary>
    /// Returns the sums of resamples. Each resample draws as many scores as there are, with replacement.
    /// </summary>
    /// <param name="scores">The scores of the items.</param>
    /// <param name="samples">The number of resamples.</param>
    /// <param name="seed">The random seed.</param>
    /// <typeparam name="T">A type of scores that can be added.</typeparam>
    public static T[] Resample<T>(IReadOnlyList<T> scores, int samples, long seed)
        where T : struct, IAdditionOperators<T, T, T>
    {
        var sums = new T[samples];
        Parallel.For(0, samples, i =>
        {
            var random = new SplitMix64(SplitMix64.At((ulong)seed, (ulong)i));
            T sum = default;
            for (int draw = 0; draw < scores.Count; draw++)
                sum += scores[(int)random.Next(scores.Count)];
            sums[i] = sum;
        });
        return sums;
    }

    /// <summary>
    /// Returns a statistic of each resample. Each resample draws as many items as there are, with replacement.
    /// </summary>
    /// <param name="items">The number of items.</param>
    /// <param name="samples">The number of resamples.</param>
    /// <param name="seed">The random seed.</param>
    /// <param name="statistic">
    /// Computes the statistic from the number of times that each item was drawn. It is called in parallel, and must not
    /// keep the array.
    /// </param>
    /// <typeparam name="T">The type of the statistic.</typeparam>
    public static T[] Resample<T>(int items, int samples, long seed, Func<int[], T> statistic)
    {
        var values = new T[samples];
        Parallel.For(0, samples, () => new int[items], (i, _, times) =>
        {
            var random = new SplitMix64(SplitMix64.At((ulong)seed, (ulong)i));
            Array.Clear(times);
            for (int draw = 0; draw < items; draw++)
                times[random.Next(items)]++;
            values[i] = statistic(times);
            return times;
        }, _ => { });
        return values;
    }

    /// <summary>Returns the sum of scores.</summary>
    internal static T Total<T>(IReadOnlyList<T> scores)
        where T : struct, IAdditionOperators<T, T, T> => scores.Aggregate(default(T), (left, right) => left + right);

    /// <summary>
    /// Returns the central 95 % of resampled values, shifted so that their mean is the metric. For metrics that are not
    /// means, because resampling with replacement biases those (Efron and Tibshirani 1993, chapter 10).
    /// </summary>
    public static (double Low, double High) Around(double value, double[] drawn)
    {
        double shift = value - drawn.Average();
        (double low, double high) = Central(drawn);
        return (low + shift, high + shift);
    }

    /// <summary>Returns the central 95 % of values (the percentile interval). The values are sorted in place.</summary>
    public static (double Low, double High) Central(double[] values)
    {
        Array.Sort(values);
        return (values[(int)(0.025 * (values.Length - 1))], values[(int)Math.Ceiling(0.975 * (values.Length - 1))]);
    }
}
