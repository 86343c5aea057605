using System.Globalization;
using Atelier.Recipes;

namespace Atelier.Data.Tables;

/// <summary>Divides a column of numbers into bins, which become the levels of a categorical column.</summary>
internal static class Discretiser
{
    /// <summary>
    /// Returns the boundaries between bins, in ascending order; fewer than requested if the numbers have too few
    /// distinct values.
    /// </summary>
    /// <param name="numbers">The training numbers, which must be finite; they are sorted in place.</param>
    /// <param name="kind">Whether bins have equal widths or hold equal counts.</param>
    /// <param name="bins">The number of bins wanted.</param>
    public static IReadOnlyList<double> Cuts(double[] numbers, Discretisation kind, int bins)
    {
        if (numbers.Length == 0)
            return [];
        Array.Sort(numbers);
        double least = numbers[0], greatest = numbers[^1];
        double Cut(int i) => kind == Discretisation.Width
            ? least + ((greatest - least) * i / bins)
            : numbers[(int)((long)i * (numbers.Length - 1) / bins)];
        IEnumerable<double> cuts = Enumerable.Range(1, bins - 1).Select(Cut);
        return [.. cuts.Where(cut => cut < greatest).Distinct()];
    }

    /// <summary>Returns the names of the levels that the boundaries separate, such as "(1, 2]".</summary>
    public static IReadOnlyList<string> Levels(IReadOnlyList<double> cuts)
    {
        static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);
        if (cuts.Count == 0)
            return ["any"];
        return [$"<={Number(cuts[0])}", .. cuts.Skip(1).Select((cut, i) => $"({Number(cuts[i])}, {Number(cut)}]"),
            $">{Number(cuts[^1])}"];
    }
}
