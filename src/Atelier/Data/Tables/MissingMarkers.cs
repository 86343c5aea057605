namespace Atelier.Data.Tables;

/// <summary>Cells such as "-", which mean a missing value in a column of numbers only.</summary>
internal static class MissingMarkers
{
    private const int FewNumbers = 10; // a column with no more different numbers may be one of categories
    private const double MostlyNumbers = 0.9; // of the different values of a column

    private static readonly HashSet<string> Known =
        ["-", "\u2013", "\u2014", ".", "..", "\\N", "nil", "Nil", "NIL", "n.a.", "N.A.", "(null)"];

    /// <summary>Makes the markers of a column of numbers missing values.</summary>
    /// <param name="column">The column.</param>
    /// <returns>The markers that were found; empty if the rest of the column is not mostly numbers.</returns>
    public static IReadOnlyList<string> Remove(RawColumn column)
    {
        string[] markers = [.. column.Values.Where(value => Known.Contains(value.Trim()))];
        if (markers.Length == 0 || !AreMostlyNumbers([.. column.Values.Except(markers)],
            value => ColumnSchema.TryNumber(value, out _) || NumberNotation.IsNumber(value)))
            return [];
        column.Rewrite(value => markers.Contains(value) ? null : value);
        return markers;
    }

    /// <summary>Whether values are numbers, except a few that may be mistakes.</summary>
    /// <param name="values">The different values of a column.</param>
    /// <param name="isNumber">Whether a value is a number.</param>
    public static bool AreMostlyNumbers(IReadOnlyList<string> values, Func<string, bool> isNumber)
    {
        int numbers = values.Count(isNumber);
        return numbers > FewNumbers && numbers >= MostlyNumbers * values.Count;
    }
}
