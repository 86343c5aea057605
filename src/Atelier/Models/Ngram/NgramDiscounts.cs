namespace Atelier.Models.Ngram;

/// <summary>
/// The discounts of Kneser-Ney smoothing, estimated from the numbers nₖ of n-grams that occur k times.
/// </summary>
internal static class NgramDiscounts
{
    /// <summary>From this count on, n-grams have one discount.</summary>
    public const int Most = 3;

    private const double Unknown = 0.75; // where no n-gram occurs once, or none twice

    /// <summary>Returns the discounts by length of the n-gram and its count: of 0, 1, 2, and 3 or more.</summary>
    /// <param name="depths">The length of the n-gram of each node, [nodes].</param>
    /// <param name="counts">The count of each node, [nodes].</param>
    /// <param name="order">The largest length.</param>
    /// <param name="byCount">Whether the discounts depend on the count.</param>
    public static double[][] Of(int[] depths, int[] counts, int order, bool byCount)
    {
        var numbers = new double[order + 1][];
        for (int length = 0; length <= order; length++)
            numbers[length] = new double[Most + 2];
        for (int node = 1; node < depths.Length; node++)
        {
            if (counts[node] is > 0 and <= Most + 1)
                numbers[depths[node]][counts[node]]++;
        }
        return [.. numbers.Select(n => Of(n, byCount))];
    }

    private static double[] Of(double[] n, bool byCount)
    {
        if (n[1] == 0 || n[2] == 0)
            return [0, Unknown, Unknown, Unknown];
        double y = n[1] / (n[1] + (2 * n[2])); // Ney, Essen and Kneser 1994; Chen and Goodman 1999, eq. 17
        double[] one = [0, y, y, y];
        if (!byCount || n[3] == 0)
            return one;
        double[] three = [0, .. Enumerable.Range(1, Most).Select(k => k - ((k + 1) * y * n[k + 1] / n[k]))]; // eq. 27
        // In small corpora the estimates may be worse than none.
        return three[1..].Select((discount, i) => discount > 0 && discount <= i + 1).All(isPossible => isPossible)
            ? three : one;
    }
}
