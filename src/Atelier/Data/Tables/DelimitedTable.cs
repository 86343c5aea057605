using Atelier.Data.Text.Reading;

namespace Atelier.Data.Tables;

/// <summary>A table of comma- or tab-separated text: its columns, then its rows, each with a field for every column.</summary>
internal sealed class DelimitedTable
{
    private DelimitedTable(IReadOnlyList<string> columns, IEnumerable<List<string>> rows) => (Columns, Rows) = (columns, rows);

    /// <summary>The columns' names.</summary>
    public IReadOnlyList<string> Columns { get; }

    /// <summary>The rows' fields; to be taken once.</summary>
    /// <exception cref="AtelierException">A row has another number of fields than there are columns.</exception>
    public IEnumerable<List<string>> Rows { get; }

    /// <summary>Reads the columns' names, from the first row where they are not given.</summary>
    /// <param name="reader">The text.</param>
    /// <param name="separator">Stands between fields.</param>
    /// <param name="names">The columns of a file that has no header; rows may then have more fields, which are left out.</param>
    /// <param name="longestRow">The most characters in a row.</param>
    /// <param name="where">The file, for errors.</param>
    /// <exception cref="AtelierException">The file has no rows.</exception>
    public static DelimitedTable Begin(
        CheckedReader reader, char separator, IReadOnlyList<string>? names, int longestRow, string where)
    {
        IEnumerator<(long Line, List<string> Fields)> rows =
            CsvRows.Read(reader, separator, separator == ',', longestRow, where).GetEnumerator();
        if (names is null && !rows.MoveNext())
            throw new AtelierException("has no rows", where, "bring a table whose first line names its columns");
        IReadOnlyList<string> columns = names ?? rows.Current.Fields;
        return new DelimitedTable(columns, Checked(rows, columns, exact: names is null, where));
    }

    private static IEnumerable<List<string>> Checked(
        IEnumerator<(long Line, List<string> Fields)> rows, IReadOnlyList<string> columns, bool exact, string where)
    {
        using (rows)
        {
            while (rows.MoveNext())
            {
                (long line, List<string> fields) = rows.Current;
                if (fields.Count < columns.Count || (exact && fields.Count != columns.Count))
                {
                    throw new AtelierException($"line {line} has {fields.Count} fields where the columns are {string.Join(", ", columns)}", where,
                        "quote fields that hold separators or line ends");
                }
                yield return fields;
            }
        }
    }
}
