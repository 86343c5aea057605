using System.Numerics;

namespace Atelier.Evaluation;

/// <summary>A sum and what it is divided by: log-likelihood over rows, right tags over words.</summary>
/// <param name="Sum">The sum.</param>
/// <param name="Weight">What it is divided by.</param>
public readonly record struct MeanScore(double Sum, double Weight) : IAdditionOperators<MeanScore, MeanScore, MeanScore>
{
    private const int MostStretches = 10_000; // more are added up first: an interval needs no more

    /// <summary>Both together.</summary>
    public static MeanScore operator +(MeanScore left, MeanScore right) => new(left.Sum + right.Sum, left.Weight + right.Weight);

    /// <summary>The quotient of the sums, with a 95 % bootstrap interval over the stretches.</summary>
    /// <param name="scores">The stretches: rows, sentences, sequences.</param>
    /// <param name="options">How often to draw anew.</param>
    /// <param name="seed">Of the draws.</param>
    /// <param name="unit">What the quotient is counted in.</param>
    public static Metric Mean(IReadOnlyList<MeanScore> scores, Recipes.EvaluationSection options, long seed, string unit)
    {
        MeanScore all = scores.Aggregate(default(MeanScore), (left, right) => left + right);
        int together = (scores.Count + MostStretches - 1) / MostStretches;
        MeanScore[] stretches = [.. scores.Chunk(together).Select(some => some.Aggregate(default(MeanScore), (left, right) => left + right))];
        (double low, double high) = Bootstrap.Central([.. Bootstrap.Resample(stretches, options.BootstrapSamples, seed).Select(s => s.Sum / s.Weight)]);
        return new Metric(all.Sum / all.Weight, low, high, unit);
    }
}
