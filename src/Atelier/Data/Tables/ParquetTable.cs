using System.Globalization;
using Atelier.Data.Text.Reading;
using Parquet;
using Parquet.Schema;

namespace Atelier.Data.Tables;

/// <summary>A column of a Parquet file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Field">What the library knows of it.</param>
internal sealed record ParquetColumn(string Name, DataField Field)
{
    /// <summary>Whether it holds text. The library has two types for text, depending on how it is to be read; either can be read as strings.</summary>
    public bool IsText => Field.ClrType == typeof(string) || Field.ClrType == typeof(ReadOnlyMemory<char>);
}

/// <summary>A Parquet file, one row group in memory at a time.</summary>
internal sealed class ParquetTable : IDisposable
{
    private const int MostRows = 1 << 26;

    private readonly string _path;
    private readonly Stream _bytes;
    private readonly ParquetReader _reader;

    private ParquetTable(string path, Stream bytes, ParquetReader reader)
    {
        (_path, _bytes, _reader) = (path, bytes, reader);
        Columns = [.. reader.Schema.DataFields.Where(field => field.MaxRepetitionLevel == 0).Select(field => new ParquetColumn(field.Name, field))];
    }

    /// <summary>The columns that have one value a row.</summary>
    public IReadOnlyList<ParquetColumn> Columns { get; }

    /// <summary>Row groups.</summary>
    public int GroupCount => _reader.RowGroupCount;

    /// <summary>Opens a file, unpacking it first where it is packed.</summary>
    /// <exception cref="AtelierException">It is missing, or no whole Parquet file.</exception>
    public static ParquetTable Open(string path)
    {
        Stream bytes = Seekable(path);
        try
        {
            return new ParquetTable(path, bytes, Guard(path, () => ParquetReader.CreateAsync(bytes).GetAwaiter().GetResult()));
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }

    /// <summary>The values of a column as text, null where there is none, a row group at a time.</summary>
    /// <exception cref="AtelierException">The file is damaged, or the column holds neither text nor numbers nor truth values.</exception>
    public IEnumerable<string?[]> Read(ParquetColumn column)
    {
        for (int group = 0; group < GroupCount; group++)
            yield return ReadGroup(column, group);
    }

    /// <summary>The values of a column within one row group.</summary>
    /// <inheritdoc cref="Read" path="/exception"/>
    public string?[] ReadGroup(ParquetColumn column, int number) => Guard(_path, () =>
    {
        using ParquetRowGroupReader group = _reader.OpenRowGroupReader(number);
        if (group.RowCount is < 0 or > MostRows)
            throw new AtelierException($"claims {group.RowCount} rows in one group", _path, $"write groups of at most {MostRows} rows");
        Type type = Nullable.GetUnderlyingType(column.Field.ClrType) ?? column.Field.ClrType;
        return type switch
        {
            _ when column.IsText => Texts(group, column.Field),
            _ when type == typeof(bool) => Values<bool>(group, column.Field, value => value ? "true" : "false"),
            _ when type == typeof(sbyte) => Values<sbyte>(group, column.Field, Number),
            _ when type == typeof(byte) => Values<byte>(group, column.Field, Number),
            _ when type == typeof(short) => Values<short>(group, column.Field, Number),
            _ when type == typeof(ushort) => Values<ushort>(group, column.Field, Number),
            _ when type == typeof(int) => Values<int>(group, column.Field, Number),
            _ when type == typeof(uint) => Values<uint>(group, column.Field, Number),
            _ when type == typeof(long) => Values<long>(group, column.Field, Number),
            _ when type == typeof(ulong) => Values<ulong>(group, column.Field, Number),
            _ when type == typeof(float) => Values<float>(group, column.Field, Number),
            _ when type == typeof(double) => Values<double>(group, column.Field, Number),
            _ when type == typeof(decimal) => Values<decimal>(group, column.Field, Number),
            _ => throw new AtelierException($"the column '{column.Name}' holds {type.Name}, neither text nor numbers", _path, "choose other columns"),
        };
    });

    /// <inheritdoc/>
    public void Dispose()
    {
        _reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _bytes.Dispose();
    }

    private static string Number<T>(T value)
        where T : IFormattable => value.ToString(null, CultureInfo.InvariantCulture);

    private static string?[] Texts(ParquetRowGroupReader group, DataField field)
    {
        var texts = new string?[group.RowCount];
        group.ReadAsync(field, texts.AsMemory()!).AsTask().GetAwaiter().GetResult();
        return texts;
    }

    private static string?[] Values<T>(ParquetRowGroupReader group, DataField field, Func<T, string> show)
        where T : struct
    {
        if (field.IsNullable)
        {
            var values = new T?[group.RowCount];
            group.ReadAsync<T>(field, values.AsMemory()).AsTask().GetAwaiter().GetResult();
            return Array.ConvertAll(values, value => value is { } known ? show(known) : null);
        }
        var all = new T[group.RowCount];
        group.ReadAsync<T>(field, all.AsMemory()).AsTask().GetAwaiter().GetResult();
        return Array.ConvertAll(all, value => (string?)show(value));
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
