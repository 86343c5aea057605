using System.Numerics;

namespace Atelier.Evaluation;

/// <summary>
/// A mean, stored as a sum and its divisor: for example a log-likelihood and a number of rows, or the number of correct
/// tags and of words.
/// </summary>
/// <param name="Sum">The sum.</param>
/// <param name="Weight">The divisor.</param>
public readonly record struct MeanScore(double Sum, double Weight) : IAdditionOperators<MeanScore, MeanScore, MeanScore>
{
    private const int MostStretches = 10_000; // neighbours are merged above this, which is enough for an interval

    /// <summary>The mean.</summary>
    public double Quotient => Sum / Weight;

    /// <summary>Adds two scores.</summary>
    public static MeanScore operator +(MeanScore left, MeanScore right) =>
        new(left.Sum + right.Sum, left.Weight + right.Weight);

    /// <summary>Computes the mean of all scores, with a 95 % bootstrap interval.</summary>
    /// <param name="scores">The scores of the evaluated items: rows, sentences or sequences.</param>
    /// <param name="options">The evaluation options, which give the number of bootstrap resamples.</param>
    /// <param name="seed">The seed of the bootstrap.</param>
    /// <param name="unit">The unit of the mean.</param>
    public static Metric Mean(IReadOnlyList<MeanScore> scores, Recipes.EvaluationSection options, long seed,
        string unit)
    {
        MeanScore[] resamples = Bootstrap.Resample(Stretches(scores), options.BootstrapSamples, seed);
        (double low, double high) = Bootstrap.Central([.. resamples.Select(score => score.Quotient)]);
        return new Metric(Bootstrap.Total(scores).Quotient, low, high, unit);
    }

    /// <summary>Computes the difference between the means of two lists of scores of the same items.</summary>
    /// <param name="own">The scores to subtract from.</param>
    /// <param name="other">The scores of the same items to subtract.</param>
    /// <param name="samples">The number of bootstrap resamples.</param>
    /// <param name="seed">The seed of the bootstrap.</param>
    /// <param name="unit">The unit of the means.</param>
    /// <returns>
    /// The difference, with its 95 % interval by the paired bootstrap, which resamples the same items for both.
    /// </returns>
    public static Metric Difference(
        IReadOnlyList<MeanScore> own, IReadOnlyList<MeanScore> other, int samples, long seed, string unit) =>
        Compare(own, other, samples, seed, unit).Difference;

    /// <summary>Compares the means of two lists of scores of the same items by the paired bootstrap.</summary>
    /// <inheritdoc cref="Difference" path="/param"/>
    /// <returns>The difference with its 95 % interval, and its p-value.</returns>
    public static PairedBootstrap Compare(
        IReadOnlyList<MeanScore> own, IReadOnlyList<MeanScore> other, int samples, long seed, string unit)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(other.Count, own.Count);
        return PairedBootstrap.Of(Stretches(own), Stretches(other), score => score.Quotient, samples, seed, unit);
    }

    /// <summary>Returns the scores; neighbours are summed if there are more than 10,000.</summary>
    internal static MeanScore[] Stretches(IReadOnlyList<MeanScore> scores) =>
        [.. scores.Chunk(Math.Max(1, (scores.Count + MostStretches - 1) / MostStretches))
            .Select(stretch => Bootstrap.Total(stretch))];
}
