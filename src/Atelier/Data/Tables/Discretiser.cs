using System.Globalization;
using Atelier.Recipes;

namespace Atelier.Data.Tables;

/// <summary>Makes levels of numbers.</summary>
internal static class Discretiser
{
    /// <summary>
    /// The boundaries between bins, ascending; fewer than requested if the numbers have too few distinct values.
    /// </summary>
    /// <param name="numbers">The training numbers, finite.</param>
    /// <param name="kind">Equal widths or equal counts.</param>
    /// <param name="bins">Levels wanted.</param>
    public static IReadOnlyList<double> Cuts(double[] numbers, Discretisation kind, int bins)
    {
        if (numbers.Length == 0)
            return [];
        Array.Sort(numbers);
        double least = numbers[0], greatest = numbers[^1];
        IEnumerable<double> cuts = Enumerable.Range(1, bins - 1).Select(i => kind == Discretisation.Width
            ? least + ((greatest - least) * i / bins)
            : numbers[(int)((long)i * (numbers.Length - 1) / bins)]);
        return [.. cuts.Where(cut => cut < greatest).Distinct()];
    }

    /// <summary>The names of the levels between cuts.</summary>
    public static IReadOnlyList<string> Levels(IReadOnlyList<double> cuts)
    {
        static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);
        if (cuts.Count == 0)
            return ["any"];
        return [$"<={Number(cuts[0])}", .. cuts.Skip(1).Select((cut, i) => $"({Number(cuts[i])}, {Number(cut)}]"),
            $">{Number(cuts[^1])}"];
    }
}
