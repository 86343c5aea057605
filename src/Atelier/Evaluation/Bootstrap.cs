using System.Numerics;

namespace Atelier.Evaluation;

/// <summary>Confidence intervals by resampling with replacement (Efron 1979).</summary>
public static class Bootstrap
{
    /// <summary>Resamples stretches with replacement, as many as there are, and sums them.</summary>
    /// <param name="scores">The stretches.</param>
    /// <param name="samples">Number of sums.</param>
    /// <param name="seed">The seed of the resampling.</param>
    /// <typeparam name="T">Sums of a measurement, which can be added.</typeparam>
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
    /// The central 95 % of resamplings, shifted so that their mean is the metric, for metrics that are not means:
    /// resampling with replacement biases them (Efron and Tibshirani 1993, chapter 10).
    /// </summary>
    public static (double Low, double High) Around(double value, double[] drawn)
    {
        double shift = value - drawn.Average();
        (double low, double high) = Central(drawn);
        return (low + shift, high + shift);
    }

    /// <summary>The central 95 % of values (the percentile interval).</summary>
    public static (double Low, double High) Central(double[] values)
    {
        Array.Sort(values);
        return (values[(int)(0.025 * (values.Length - 1))], values[(int)Math.Ceiling(0.975 * (values.Length - 1))]);
    }
}
