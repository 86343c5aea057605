using Atelier.Data.Text.Reading;

namespace Atelier.Data.Tables;

/// <summary>A file of rows: comma- or tab-separated text, or Parquet, packed or not.</summary>
internal static class TableFile
{
    private const int LongestRow = 4 << 20;

    /// <summary>Whether a file's name is a table's.</summary>
    public static bool IsTable(string path) => TextSource.Format(path) is "csv" or "tsv" or "parquet";

    /// <summary>Reads a file, giving its columns' names first and then each row's cells, null where there is none.</summary>
    /// <param name="path">The file.</param>
    /// <param name="columns">Told the columns' names.</param>
    /// <param name="report">Told the encoding.</param>
    /// <exception cref="AtelierException">The file is missing, damaged, no table, or has rows of different lengths.</exception>
    public static IEnumerable<IReadOnlyList<string?>> Read(string path, Action<IReadOnlyList<string>> columns, ReadingReport report) =>
        TextSource.Format(path) switch
        {
            "csv" => Delimited(path, ',', columns, report),
            "tsv" => Delimited(path, '\t', columns, report),
            "parquet" => Parquet(path, columns),
            _ => throw new AtelierException("is not a table", path, "bring .csv, .tsv or .parquet, or one of these with .gz"),
        };

    private static IEnumerable<IReadOnlyList<string?>> Delimited(
        string path, char separator, Action<IReadOnlyList<string>> columns, ReadingReport report)
    {
        using CheckedReader reader = CheckedReader.Open(path, Path.GetFileName(path), report);
        var table = DelimitedTable.Begin(reader, separator, names: null, LongestRow, path);
        columns(table.Columns);
        foreach (List<string> row in table.Rows)
            yield return row;
    }

    private static IEnumerable<IReadOnlyList<string?>> Parquet(string path, Action<IReadOnlyList<string>> columns)
    {
        using var table = ParquetTable.Open(path);
        columns([.. table.Columns.Select(column => column.Name)]);
        for (int group = 0; group < table.GroupCount; group++)
        {
            string?[][] cells = [.. table.Columns.Select(column => table.ReadGroup(column, group))]; // [column][row]
            for (int row = 0; row < (cells.Length > 0 ? cells[0].Length : 0); row++)
                yield return Array.ConvertAll(cells, column => column[row]);
        }
    }
}
