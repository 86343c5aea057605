using System.Numerics;

namespace Atelier.Evaluation;

/// <summary>A sum and what it is divided by: log-likelihood over rows, right tags over words.</summary>
/// <param name="Sum">The sum.</param>
/// <param name="Weight">What it is divided by.</param>
public readonly record struct MeanScore(double Sum, double Weight) : IAdditionOperators<MeanScore, MeanScore, MeanScore>
{
    private const int MostStretches = 10_000; // more are added up first: an interval needs no more

    /// <summary>The quotient.</summary>
    public double Quotient => Sum / Weight;

    /// <summary>Both together.</summary>
    public static MeanScore operator +(MeanScore left, MeanScore right) =>
        new(left.Sum + right.Sum, left.Weight + right.Weight);

    /// <summary>The quotient of the sums, with a 95 % bootstrap interval over the stretches.</summary>
    /// <param name="scores">The stretches: rows, sentences, sequences.</param>
    /// <param name="options">How often to draw anew.</param>
    /// <param name="seed">Of the draws.</param>
    /// <param name="unit">What the quotient is counted in.</param>
    public static Metric Mean(IReadOnlyList<MeanScore> scores, Recipes.EvaluationSection options, long seed,
        string unit)
    {
        (double low, double high) = Bootstrap.Central(
            [.. Bootstrap.Resample(Stretches(scores), options.BootstrapSamples, seed).Select(s => s.Quotient)]);
        return new Metric(Total(scores).Quotient, low, high, unit);
    }

    /// <summary>
    /// How much greater the quotient of one list of scores is than that of another, both of the same stretches.
    /// </summary>
    /// <param name="own">The scores whose quotient comes first.</param>
    /// <param name="other">The scores of the same stretches whose quotient is taken off.</param>
    /// <param name="samples">Resamplings.</param>
    /// <param name="seed">Of the resamplings.</param>
    /// <param name="unit">What the quotients are counted in.</param>
    /// <returns>The difference with its 95 % interval by the paired bootstrap: both are taken from the same
    /// draws.</returns>
    public static Metric Difference(
        IReadOnlyList<MeanScore> own, IReadOnlyList<MeanScore> other, int samples, long seed, string unit)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(other.Count, own.Count);
        (double low, double high) = Bootstrap.Central([.. Bootstrap.Resample(Stretches(own), samples, seed)
            .Zip(Bootstrap.Resample(Stretches(other), samples, seed), (a, b) => a.Quotient - b.Quotient)]);
        return new Metric(Total(own).Quotient - Total(other).Quotient, low, high, unit);
    }

    /// <summary>The scores, neighbours added up where there are more than 10,000.</summary>
    internal static MeanScore[] Stretches(IReadOnlyList<MeanScore> scores) =>
        [.. scores.Chunk(Math.Max(1, (scores.Count + MostStretches - 1) / MostStretches)).Select(Total)];

    private static MeanScore Total(IReadOnlyList<MeanScore> scores) =>
        scores.Aggregate(default(MeanScore), (left, right) => left + right);
}
