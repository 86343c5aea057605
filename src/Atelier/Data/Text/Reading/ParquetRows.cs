using Parquet;
using Parquet.Schema;

namespace Atelier.Data.Text.Reading;

/// <summary>Text from a column of a Parquet file, one row group in memory at a time.</summary>
internal static class ParquetRows
{
    private const int MostRows = 1 << 26;

    /// <summary>The texts of the chosen column; nulls are none.</summary>
    public static IEnumerable<string> Read(string path, ReadingOptions options, ReadingReport report)
    {
        using Stream bytes = Seekable(path);
        ParquetReader reader = Guard(path, () => ParquetReader.CreateAsync(bytes).GetAwaiter().GetResult());
        try
        {
            DataField[] fields = [.. reader.Schema.DataFields.Where(f => IsText(f))];
            if (fields.Length == 0)
                throw new AtelierException("has no column of text", path, "bring a table with one");
            string[] names = [.. fields.Select(f => f.Name)];
            DataField field = fields[Array.IndexOf(names, TableColumn.Choose(names, options.Column, path, report))];
            for (int group = 0; group < reader.RowGroupCount; group++)
            {
                string?[] texts = Guard(path, () => ReadGroup(reader, group, field, path));
                foreach (string? text in texts)
                    if (text is not null)
                        yield return text;
            }
        }
        finally
        {
            reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    // The library has two types for text, depending on how it is to be read; either can be read as strings.
    private static bool IsText(DataField field) =>
        field.MaxRepetitionLevel == 0 && (field.ClrType == typeof(string) || field.ClrType == typeof(ReadOnlyMemory<char>));

    private static string?[] ReadGroup(ParquetReader reader, int number, DataField field, string path)
    {
        using ParquetRowGroupReader group = reader.OpenRowGroupReader(number);
        if (group.RowCount is < 0 or > MostRows)
            throw new AtelierException($"claims {group.RowCount} rows in one group", path, $"write groups of at most {MostRows} rows");
        var texts = new string?[group.RowCount];
        group.ReadAsync(field, texts.AsMemory()!).AsTask().GetAwaiter().GetResult();
        return texts;
    }

    /// <summary>Parquet is read from its end: a packed file is unpacked to a temporary one first.</summary>
    private static Stream Seekable(string path)
    {
        Stream bytes = FileBytes.Open(path);
        if (bytes.CanSeek)
            return bytes;
        using (bytes)
        {
            var copy = new FileStream(Path.GetTempFileName(), FileMode.Open, FileAccess.ReadWrite, FileShare.None, 1 << 16,
                FileOptions.DeleteOnClose);
            try
            {
                bytes.CopyTo(copy);
                copy.Position = 0;
                return copy;
            }
            catch
            {
                copy.Dispose();
                throw;
            }
        }
    }

    /// <summary>The library tells of a damaged file in many ways; to the user they are one.</summary>
    private static T Guard<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is not (AtelierException or OutOfMemoryException))
        {
            throw new AtelierException("is not a whole Parquet file: " + e.Message.TrimEnd('.').ReplaceLineEndings(" "), path,
                "fetch or write the file again", e);
        }
    }
}
