using System.Text.RegularExpressions;

namespace Atelier.Data.Tables;

/// <summary>Detects whether a column's numbers have a decimal point (1,234.5) or a decimal comma (1.234,5).</summary>
internal static partial class NumberNotation
{
    private static readonly string[] NoValues = ["None", "none"];

    /// <summary>
    /// Returns whether a cell is a number with a decimal comma, or with separators between groups of three digits.
    /// </summary>
    public static bool IsNumber(string cell) => DecimalComma().IsMatch(cell.Trim()) || Grouped().IsMatch(cell.Trim());

    /// <summary>
    /// Rewrites the numbers of a column in the notation 1234.5, if all its cells are numbers with a decimal comma or
    /// with commas between thousands. Among numbers "None" is a missing value; among names it is a name.
    /// </summary>
    /// <param name="column">The column.</param>
    /// <param name="separator">The separator between the table's cells; null if it is not a text table.</param>
    /// <param name="asked">The decimal mark that the recipe gives, '.' or ','; null to detect it.</param>
    /// <returns>Whether the column's numbers had decimal commas.</returns>
    public static bool Settle(RawColumn column, char? separator, char? asked)
    {
        string[] values = [.. column.Values.Except(NoValues)];
        if (values.Length == 0)
            return false;
        bool plain = asked != ',' && values.All(IsPlain);
        bool grouped = !plain && asked != ',' && values.All(value =>
            IsPlain(value) || (Grouped().IsMatch(value.Trim()) && IsPlain(WithoutCommas(value))));
        bool comma = !plain && asked != '.' && values.All(value =>
            DecimalComma().IsMatch(value.Trim()) && IsPlain(WithPoint(value)));
        // 1,234 may be either. If commas separate the cells, a comma within a number separates thousands.
        if (comma && grouped)
            (comma, grouped) = (separator != ',', separator == ',');
        if (!plain && !comma && !grouped)
            return false;
        if (values.Length < column.Values.Count || !plain)
        {
            column.Rewrite(value => NoValues.Contains(value) ? null
                : comma ? WithPoint(value)
                : grouped ? WithoutCommas(value)
                : value);
        }
        return comma;
    }

    private static string WithPoint(string value) => WithoutGroups().Replace(value.Trim(), "").Replace(',', '.');

    private static string WithoutCommas(string value) => value.Trim().Replace(",", "", StringComparison.Ordinal);

    private static bool IsPlain(string value) => ColumnSchema.TryNumber(value, out _);

    [GeneratedRegex(@"^[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?$", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Grouped();

    [GeneratedRegex(@"^[+-]?(?:\d{1,3}(?:[. \u00A0\u202F']\d{3})+|\d+)?(?:,\d+)?(?<=\d)(?:[eE][+-]?\d+)?$",
        RegexOptions.CultureInvariant, 1000)]
    private static partial Regex DecimalComma();

    [GeneratedRegex(@"[. \u00A0\u202F']", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex WithoutGroups();
}
