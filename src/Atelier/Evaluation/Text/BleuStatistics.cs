using System.Globalization;
using System.Numerics;
using System.Runtime.Intrinsics;

namespace Atelier.Evaluation.Text;

/// <summary>The counts that BLEU is computed from, of a text or, added up, of a corpus.</summary>
/// <param name="HypothesisLength">The number of tokens of the generated text.</param>
/// <param name="ReferenceLength">The number of tokens of the reference whose length is nearest.</param>
/// <param name="Matches">How many n-grams of the orders 1 to 4 occur in a reference.</param>
/// <param name="Totals">The number of n-grams of the orders 1 to 4 of the generated text.</param>
public readonly record struct BleuStatistics(long HypothesisLength, long ReferenceLength, Vector256<long> Matches,
    Vector256<long> Totals) : IAdditionOperators<BleuStatistics, BleuStatistics, BleuStatistics>
{
    internal const int LongestGram = 4;

    /// <summary>Adds the counts of two texts.</summary>
    public static BleuStatistics operator +(BleuStatistics left, BleuStatistics right) =>
        new(left.HypothesisLength + right.HypothesisLength, left.ReferenceLength + right.ReferenceLength,
            left.Matches + right.Matches, left.Totals + right.Totals);

    /// <summary>Returns the counts as a list: the two lengths, the matches and the totals.</summary>
    internal long[] ToArray() => [HypothesisLength, ReferenceLength, Matches[0], Matches[1], Matches[2], Matches[3],
        Totals[0], Totals[1], Totals[2], Totals[3]];

    /// <summary>Restores counts from the list that <see cref="ToArray"/> returned.</summary>
    internal static BleuStatistics From(IReadOnlyList<long> counts) => new(counts[0], counts[1],
        Vector256.Create(counts[2], counts[3], counts[4], counts[5]),
        Vector256.Create(counts[6], counts[7], counts[8], counts[9]));

    /// <summary>Counts the matches of a text with its references; of two nearest lengths the shorter counts.</summary>
    internal static BleuStatistics Of(NgramCounts own, IReadOnlyList<NgramCounts> references)
    {
        Span<long> matches = stackalloc long[LongestGram], totals = stackalloc long[LongestGram];
        for (int n = 1; n <= LongestGram; n++)
            (matches[n - 1], totals[n - 1]) = (own.Matches(references, n), own.Total(n));
        int nearest = references.Select(r => r.Length).MinBy(length => (Math.Abs(length - own.Length), length));
        return new(own.Length, nearest, Vector256.Create<long>(matches), Vector256.Create<long>(totals));
    }
}

/// <summary>A BLEU score and its parts.</summary>
/// <param name="Value">The score, 0 to 100.</param>
/// <param name="Precisions">The smoothed precisions of the orders 1 to 4, 0 to 100.</param>
/// <param name="BrevityPenalty">The factor for texts that are shorter than their references, 0 to 1.</param>
/// <param name="HypothesisLength">The number of tokens of the generated texts.</param>
/// <param name="ReferenceLength">The number of tokens of the references.</param>
public sealed record BleuScore(double Value, IReadOnlyList<double> Precisions, double BrevityPenalty,
    long HypothesisLength, long ReferenceLength)
{
    /// <summary>Formats the score as sacreBLEU prints it.</summary>
    public override string ToString()
    {
        string precisions = string.Join('/', Precisions.Select(p => p.ToString("0.0", CultureInfo.InvariantCulture)));
        double ratio = ReferenceLength == 0 ? 0 : (double)HypothesisLength / ReferenceLength;
        return string.Create(CultureInfo.InvariantCulture,
            $"BLEU = {Value:0.00} {precisions} (BP = {BrevityPenalty:0.000} ratio = {ratio:0.000} ")
            + string.Create(CultureInfo.InvariantCulture, $"hyp_len = {HypothesisLength} ref_len = {ReferenceLength})");
    }
}
