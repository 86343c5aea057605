using System.Numerics;

namespace Atelier.Evaluation;

/// <summary>A mean as a sum and its divisor: log-likelihood and rows, correct tags and words.</summary>
/// <param name="Sum">The sum.</param>
/// <param name="Weight">The divisor.</param>
public readonly record struct MeanScore(double Sum, double Weight) : IAdditionOperators<MeanScore, MeanScore, MeanScore>
{
    private const int MostStretches = 10_000; // more are added up first: an interval needs no more

    /// <summary>The mean.</summary>
    public double Quotient => Sum / Weight;

    /// <summary>Adds two scores.</summary>
    public static MeanScore operator +(MeanScore left, MeanScore right) =>
        new(left.Sum + right.Sum, left.Weight + right.Weight);

    /// <summary>The mean of all stretches, with a 95 % bootstrap interval.</summary>
    /// <param name="scores">The stretches: rows, sentences, sequences.</param>
    /// <param name="options">The evaluation options, with the number of resamplings.</param>
    /// <param name="seed">The seed of the resamplings.</param>
    /// <param name="unit">The unit of the mean.</param>
    public static Metric Mean(IReadOnlyList<MeanScore> scores, Recipes.EvaluationSection options, long seed,
        string unit)
    {
        (double low, double high) = Bootstrap.Central(
            [.. Bootstrap.Resample(Stretches(scores), options.BootstrapSamples, seed).Select(s => s.Quotient)]);
        return new Metric(Total(scores).Quotient, low, high, unit);
    }

    /// <summary>The difference between the means of two lists of scores of the same stretches.</summary>
    /// <param name="own">The scores whose mean comes first.</param>
    /// <param name="other">The scores of the same stretches whose mean is subtracted.</param>
    /// <param name="samples">Number of resamplings.</param>
    /// <param name="seed">The seed of the resamplings.</param>
    /// <param name="unit">The unit of the means.</param>
    /// <returns>
    /// The difference with its 95 % interval by the paired bootstrap, with the same resamplings for both.
    /// </returns>
    public static Metric Difference(
        IReadOnlyList<MeanScore> own, IReadOnlyList<MeanScore> other, int samples, long seed, string unit)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(other.Count, own.Count);
        (double low, double high) = Bootstrap.Central([.. Bootstrap.Resample(Stretches(own), samples, seed)
            .Zip(Bootstrap.Resample(Stretches(other), samples, seed), (a, b) => a.Quotient - b.Quotient)]);
        return new Metric(Total(own).Quotient - Total(other).Quotient, low, high, unit);
    }

    /// <summary>The scores; neighbours are added where there are more than 10,000.</summary>
    internal static MeanScore[] Stretches(IReadOnlyList<MeanScore> scores) =>
        [.. scores.Chunk(Math.Max(1, (scores.Count + MostStretches - 1) / MostStretches)).Select(Total)];

    private static MeanScore Total(IReadOnlyList<MeanScore> scores) =>
        scores.Aggregate(default(MeanScore), (left, right) => left + right);
}
