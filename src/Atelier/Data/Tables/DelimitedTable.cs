using Atelier.Data.Text.Reading;

namespace Atelier.Data.Tables;

/// <summary>A table in delimited text, such as CSV: its column names and its rows, with one field per column.</summary>
internal sealed class DelimitedTable
{
    private DelimitedTable(IReadOnlyList<string> columns, char separator, IEnumerable<List<string>> rows) =>
        (Columns, Separator, Rows) = (columns, separator, rows);

    /// <summary>The names of the columns.</summary>
    public IReadOnlyList<string> Columns { get; }

    /// <summary>The separator between fields.</summary>
    public char Separator { get; }

    /// <summary>The fields of each row. The sequence can be enumerated only once.</summary>
    /// <exception cref="AtelierException">The number of fields in a row differs from the number of columns.</exception>
    public IEnumerable<List<string>> Rows { get; }

    /// <summary>
    /// Detects the separator, and reads the column names from the first row unless that row holds numbers.
    /// </summary>
    /// <param name="reader">The text.</param>
    /// <param name="options">The reading options. If they name the columns, the file has no header, and further fields
    /// of a row are ignored.</param>
    /// <param name="report">Receives notes of what was detected.</param>
    /// <param name="where">The path of the file, for error messages.</param>
    /// <exception cref="AtelierException">The file has no rows.</exception>
    public static DelimitedTable Begin(CheckedReader reader, ReadingOptions options, ReadingReport report, string where)
    {
        string beginning = reader.ReadBlock().ToString();
        char? declared = Declared(ref beginning);
        char usual = (options.Format ?? TextSource.Format(where)) == "tsv" ? '\t' : ',';
        char separator = options.Separator ?? declared ?? Delimiter.Find(beginning, usual);
        if (separator != usual && declared is null)
            report.Note($"The detected separator of {Path.GetFileName(where)} is {Name(separator)}.");
        // In plain tab-separated text quotes stand for themselves.
        IEnumerator<(long Line, List<string> Fields)> rows = CsvRows.Read(
            reader.Blocks().Prepend(beginning), separator, separator != '\t', options.LongestPiece, where)
                .GetEnumerator();
        if (options.ColumnNames is { } names)
            return new(names, separator, Checked(rows, null, names, exact: false, where));
        if (!rows.MoveNext())
            throw new AtelierException("has no rows", where, "provide a table whose first line names its columns");
        List<string> first = rows.Current.Fields;
        if (options.HasHeader ?? IsHeader(first, report, where))
        {
            string[] named = Named(first, report, where);
            return new(named, separator, Checked(rows, null, named, exact: true, where));
        }
        string[] numbered = [.. first.Select((_, i) => Numbered(i))];
        return new(numbered, separator, Checked(rows, first, numbered, exact: true, where));
    }

    /// <summary>
    /// Returns the separator in a first line such as sep=; which Excel writes and reads, and removes all of it but its
    /// line end, so that the lines keep their numbers. Returns null if there is no such line.
    /// </summary>
    private static char? Declared(ref string beginning)
    {
        const string key = "sep=";
        if (!beginning.StartsWith(key, StringComparison.OrdinalIgnoreCase)
            || beginning.AsSpan(key.Length) is not [var separator, '\n', ..])
            return null;
        beginning = beginning[(key.Length + 1)..];
        return separator;
    }

    private static string Numbered(int index) => FormattableString.Invariant($"column{index + 1}");

    /// <summary>Returns the names of a header, with a name for each column that has none.</summary>
    private static string[] Named(List<string> header, ReadingReport report, string where)
    {
        string[] unnamed = [.. header.Index().Where(column => string.IsNullOrWhiteSpace(column.Item))
            .Select(column => Numbered(column.Index))];
        if (unnamed.Length > 0)
            report.Note($"The header of {Path.GetFileName(where)} has empty names: they were replaced by "
                + $"{string.Join(", ", unnamed)}.");
        return [.. header.Select((name, i) => string.IsNullOrWhiteSpace(name) ? Numbered(i) : name)];
    }

    private static string Name(char separator) =>
        separator switch { '\t' => "a tab", ' ' => "a space", _ => $"'{separator}'" };

    /// <summary>
    /// Returns whether the first row holds column names. A row of numbers does not, unless they are distinct whole
    /// numbers, such as years.
    /// </summary>
    private static bool IsHeader(List<string> first, ReadingReport report, string where)
    {
        if (!first.All(cell => ColumnSchema.TryNumber(cell, out _) || NumberNotation.IsNumber(cell)))
            return true;
        bool areNames = first.All(cell => cell.All(char.IsAsciiDigit)) && first.Distinct().Count() == first.Count;
        report.Note(areNames
            ? $"The first row of {Path.GetFileName(where)} was read as column names, although it holds "
                + $"numbers: data.table.header=false reads it as a row."
            : $"The first row of {Path.GetFileName(where)} holds numbers, so the columns are named column1, "
                + $"column2 and so on: data.table.header=true reads it as column names.");
        return areNames;
    }

    private static IEnumerable<List<string>> Checked(IEnumerator<(long Line, List<string> Fields)> rows,
        List<string>? first, IReadOnlyList<string> columns, bool exact, string where)
    {
        using (rows)
        {
            if (first is not null)
                yield return first;
            while (rows.MoveNext())
            {
                (long line, List<string> fields) = rows.Current;
                if (fields.Count < columns.Count || (exact && fields.Count != columns.Count))
                {
                    string cells = fields.Count == 1 ? "1 field" : $"{fields.Count} fields";
                    throw new AtelierException(
                        $"line {line} has {cells} where the columns are {string.Join(", ", columns)}", where,
                        "quote fields that contain separators or line ends, or name the separator with "
                            + "data.table.separator");
                }
                yield return fields;
            }
        }
    }
}
