namespace Atelier.Evaluation.Ratings;

/// <summary>
/// The distribution of a weighted sum of independent events. It is exact but for the rounding of the weights to a grid;
/// equal weights are rounded equally, so that counts are exact.
/// </summary>
internal static class BernoulliSum
{
    private const int Cells = 8192;
    private const double FinestCell = 1.0 / 64;

    /// <summary>Returns the probabilities that the sum is at most, and at least, as high as it turned out.</summary>
    /// <param name="events">The weight of each event, 0 or more, its probability, and whether it occurred.</param>
    public static (double AtMost, double AtLeast) Tails(
        IReadOnlyList<(double Weight, double Probability, bool Occurred)> events)
    {
        double cell = Math.Max(FinestCell, events.Sum(e => e.Weight) / Cells);
        int[] weights = [.. events.Select(e => (int)Math.Round(e.Weight / cell))];
        double[] distribution = new double[weights.Sum() + 1];
        distribution[0] = 1;
        int top = 0, sum = 0;
        for (int i = 0; i < weights.Length; i++)
        {
            (_, double probability, bool occurred) = events[i];
            if (weights[i] == 0)
                continue;
            for (int at = top; at >= 0; at--)
            {
                distribution[at + weights[i]] += distribution[at] * probability;
                distribution[at] *= 1 - probability;
            }
            top += weights[i];
            sum += occurred ? weights[i] : 0;
        }
        return (Math.Min(1, distribution[..(sum + 1)].Sum()), Math.Min(1, distribution[sum..].Sum()));
    }
}
