namespace Atelier.Evaluation.Ratings;

/// <summary>What differences between values mean.</summary>
public enum MeasurementLevel
{
    /// <summary>Values are names: they are equal or different.</summary>
    Nominal,

    /// <summary>Values have an order.</summary>
    Ordinal,

    /// <summary>Differences between values have a size.</summary>
    Interval,
}

/// <summary>Measures how far raters agree: 1 is perfect agreement, and 0 the agreement of chance.</summary>
public static class Agreement
{
    /// <summary>
    /// Computes the kappa of two raters (Cohen 1960, equation 1): (pₒ - pₑ) / (1 - pₑ), where pₒ is the share of equal
    /// values and pₑ the share that is expected if the raters chose independently, each with their own frequencies.
    /// </summary>
    /// <param name="first">The values of the one rater.</param>
    /// <param name="second">The values of the other rater for the same units, in the same order.</param>
    /// <returns>The kappa, -1 to 1; null without units, or if all values are equal.</returns>
    /// <exception cref="ArgumentException">The lists differ in length.</exception>
    public static double? CohenKappa<T>(IReadOnlyList<T> first, IReadOnlyList<T> second)
        where T : notnull
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(second.Count, first.Count, nameof(second));
        double units = first.Count;
        double observed = first.Zip(second).Count(pair => pair.First.Equals(pair.Second)) / units;
        var others = second.CountBy(value => value).ToDictionary();
        double expected = first.CountBy(value => value)
            .Sum(count => count.Value / units * (others.GetValueOrDefault(count.Key) / units));
        return units > 0 && expected < 1 ? (observed - expected) / (1 - expected) : null;
    }

    /// <summary>
    /// Computes the kappa of several raters (Fleiss 1971). The raters of different units need not be the
    /// same persons.
    /// </summary>
    /// <param name="counts">
    /// For each unit, how many raters chose each category. All units have the same number of raters, at least 2, and
    /// the same number of categories.
    /// </param>
    /// <returns>The kappa, up to 1; null without units, or if all raters chose the same category.</returns>
    /// <exception cref="ArgumentException">The units differ in the number of raters or categories.</exception>
    public static double? FleissKappa(IReadOnlyList<IReadOnlyList<int>> counts)
    {
        if (counts.Count == 0)
            return null;
        double raters = counts[0].Sum(), units = counts.Count;
        int categories = counts[0].Count;
        ArgumentOutOfRangeException.ThrowIfLessThan(raters, 2, nameof(counts));
        if (counts.Any(unit => unit.Sum() != raters || unit.Count != categories))
            throw new ArgumentException("the units differ in the number of raters or categories", nameof(counts));
        double observed = counts.Average(unit => unit.Sum(count => count * (count - 1.0)) / (raters * (raters - 1)));
        double expected = Enumerable.Range(0, categories)
            .Sum(category => Square(counts.Sum(unit => (double)unit[category]) / (units * raters)));
        return expected < 1 ? (observed - expected) / (1 - expected) : null;
    }

    /// <summary>
    /// Computes the alpha of any number of raters (Krippendorff 2011): 1 - Dₒ / Dₑ, where Dₒ is the disagreement within
    /// units and Dₑ the disagreement between all values regardless of their units. Not every rater needs to value every
    /// unit; units with fewer than two values do not count.
    /// </summary>
    /// <param name="units">The values that each unit was given, in any order, without missing values.</param>
    /// <param name="level">What differences between values mean.</param>
    /// <returns>The alpha, up to 1; null if no unit has two values, or if all values are equal.</returns>
    public static double? KrippendorffAlpha(IEnumerable<IReadOnlyCollection<double>> units, MeasurementLevel level)
    {
        IReadOnlyCollection<double>[] paired = [.. units.Where(unit => unit.Count > 1)];
        double[] values = [.. paired.SelectMany(unit => unit).Distinct().Order()];
        var numbers = values.Index().ToDictionary(value => value.Item, value => value.Index);
        int[][] counts =
        [
            .. paired.Select(unit =>
            {
                int[] count = new int[values.Length];
                foreach (double value in unit)
                    count[numbers[value]]++;
                return count;
            }),
        ];
        double[] totals = [.. values.Select((_, value) => counts.Sum(count => (double)count[value]))];
        double all = totals.Sum(), observed = 0, expected = 0;
        for (int c = 0; c < values.Length; c++)
        {
            for (int k = c + 1; k < values.Length; k++)
            {
                double difference = SquaredDifference(values, totals, c, k, level);
                // the coincidences of c and k: in a unit of m values each pair counts 1 / (m - 1)
                double coincidences =
                    counts.Sum(count => count[c] == 0 || count[k] == 0 ? 0 : count[c] * count[k] / (count.Sum() - 1.0));
                observed += coincidences * difference;
                expected += totals[c] * totals[k] * difference;
            }
        }
        return expected > 0 ? 1 - ((all - 1) * observed / expected) : null;
    }

    private static double SquaredDifference(double[] values, double[] totals, int c, int k, MeasurementLevel level) =>
        level switch
        {
            MeasurementLevel.Nominal => 1,
            // the number of values from c to k, with half of those at the ends
            MeasurementLevel.Ordinal => Square(totals[c..(k + 1)].Sum() - ((totals[c] + totals[k]) / 2)),
            MeasurementLevel.Interval => Square(values[k] - values[c]),
            _ => throw new ArgumentOutOfRangeException(nameof(level), level, null),
        };

    private static double Square(double x) => x * x;
}
