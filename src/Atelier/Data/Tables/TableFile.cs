using Atelier.Data.Text.Reading;

namespace Atelier.Data.Tables;

/// <summary>The header of a table file, known before its rows are read.</summary>
/// <param name="Columns">The names of the columns.</param>
/// <param name="Separator">The separator between cells; null for a Parquet file.</param>
internal sealed record TableHeader(IReadOnlyList<string> Columns, char? Separator);

/// <summary>Reads table files: delimited text or Parquet, compressed or not.</summary>
internal static class TableFile
{
    /// <summary>Returns whether the extension of a file is that of a table.</summary>
    public static bool IsTable(string path) => TextSource.Format(path) is "csv" or "tsv" or "parquet";

    /// <summary>Reads the header of a file, then the cells of each row; a missing cell may be null.</summary>
    /// <param name="source">The file.</param>
    /// <param name="begin">Receives the header before the first row is returned.</param>
    /// <param name="options">The reading options.</param>
    /// <param name="report">Receives the encoding, and notes of what was detected.</param>
    /// <exception cref="AtelierException">The file is missing, damaged or not a table, or has rows of different
    /// lengths.</exception>
    public static IEnumerable<IReadOnlyList<string?>> Read(
        FileSource source, Action<TableHeader> begin, ReadingOptions options, ReadingReport report) =>
            TextSource.Format(source.Name) switch
        {
            "csv" or "tsv" => Delimited(source, begin, options, report),
            "parquet" => Parquet(source, begin, report),
            _ => throw new AtelierException("is not a table", source.Name,
                "provide .csv, .tsv or .parquet, or one of these with .gz"),
        };

    private static IEnumerable<IReadOnlyList<string?>> Delimited(
        FileSource source, Action<TableHeader> begin, ReadingOptions options, ReadingReport report)
    {
        using CheckedReader reader =
            CheckedReader.Open(source, Path.GetFileName(source.Name), report, options.Encoding);
        var table = DelimitedTable.Begin(reader, options, report, source.Name);
        begin(new TableHeader(table.Columns, table.Separator));
        foreach (List<string> row in table.Rows)
            yield return row;
    }

    private static IEnumerable<IReadOnlyList<string?>> Parquet(FileSource source, Action<TableHeader> begin,
        ReadingReport report)
    {
        using var table = ParquetTable.Open(source, report);
        begin(new TableHeader([.. table.Columns.Select(column => column.Name)], null));
        for (int group = 0; group < table.GroupCount; group++)
        {
            string?[][] cells = [.. table.Columns.Select(column => table.ReadGroup(column, group))]; // [column][row]
            for (int row = 0; row < (cells.Length > 0 ? cells[0].Length : 0); row++)
                yield return Array.ConvertAll(cells, column => column[row]);
        }
    }
}
