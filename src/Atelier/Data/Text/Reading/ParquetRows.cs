using Atelier.Data.Tables;

namespace Atelier.Data.Text.Reading;

/// <summary>Reads text from a column of a Parquet file, with one row group in memory at a time.</summary>
internal static class ParquetRows
{
    /// <summary>Returns the texts of the chosen column. Nulls are skipped.</summary>
    public static IEnumerable<string> Read(string path, ReadingOptions options, ReadingReport report)
    {
        using var table = ParquetTable.Open(path, report);
        string[] names = [.. table.Columns.Where(column => column.IsText).Select(column => column.Name)];
        if (names.Length == 0)
            throw new AtelierException("has no column of text", path, "provide a table with one");
        string chosen = TableColumn.Choose(names, options.Column, path, report);
        foreach (string?[] texts in table.Read(table.Columns.First(column => column.Name == chosen)))
        {
            foreach (string? text in texts)
            {
                if (text is not null)
                    yield return text;
            }
        }
    }
}
