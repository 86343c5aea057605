using System.Globalization;
using Atelier.Data.Text.Reading;
using ParquetSharp;

namespace Atelier.Data.Tables;

/// <summary>A column of a Parquet file.</summary>
/// <param name="Name">The name of the column.</param>
/// <param name="Number">Its index among the file's columns.</param>
/// <param name="IsText">Whether the column holds text.</param>
internal sealed record ParquetColumn(string Name, int Number, bool IsText);

/// <summary>Reads a Parquet file with one row group in memory at a time.</summary>
internal sealed class ParquetTable : IDisposable
{
    private const int MostRows = 1 << 26;

    private readonly string _path;
    private readonly Stream _bytes;
    private readonly ParquetFileReader _reader;

    private ParquetTable(string path, Stream bytes, ParquetFileReader reader, ReadingReport report)
    {
        (_path, _bytes, _reader) = (path, bytes, reader);
        SchemaDescriptor schema = reader.FileMetaData.Schema;
        ColumnDescriptor[] all = [.. Enumerable.Range(0, schema.NumColumns).Select(schema.Column)];
        Columns = [.. all.Select((column, i) => (column, i)).Where(c => IsRead(c.column))
            .Select(c => new ParquetColumn(c.column.Path.ToDotString(), c.i, TypeOf(c.column) == typeof(string)))];
        string[] others = [.. all.Where(column => !IsRead(column)).Select(column => column.Path.ToDotString())];
        if (others.Length > 0)
            report.Note($"Columns of {Path.GetFileName(path)} ignored, because they hold neither text, numbers, "
                + $"booleans nor times: {string.Join(", ", others)}.");
    }

    /// <summary>The columns that have one value per row, of a supported type.</summary>
    public IReadOnlyList<ParquetColumn> Columns { get; }

    /// <summary>The number of row groups.</summary>
    public int GroupCount => _reader.FileMetaData.NumRowGroups;

    /// <summary>Opens a file, unpacking it first where it is packed.</summary>
    /// <param name="source">The file.</param>
    /// <param name="report">Receives the columns that are left out.</param>
    /// <exception cref="AtelierException">It is missing, or no whole Parquet file.</exception>
    public static ParquetTable Open(FileSource source, ReadingReport report)
    {
        Stream bytes = Seekable(source, report);
        try
        {
            return Guard(source.Name,
                () => new ParquetTable(source.Name, bytes, new ParquetFileReader(bytes, leaveOpen: true), report));
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }

    /// <summary>Returns the values of a column as text, one row group at a time; missing values are null.</summary>
    /// <exception cref="AtelierException">The file is damaged.</exception>
    public IEnumerable<string?[]> Read(ParquetColumn column)
    {
        for (int group = 0; group < GroupCount; group++)
            yield return ReadGroup(column, group);
    }

    /// <summary>Returns the values of a column in one row group as text; missing values are null.</summary>
    /// <inheritdoc cref="Read" path="/exception"/>
    public string?[] ReadGroup(ParquetColumn column, int number) => Guard(_path, () =>
    {
        using RowGroupReader group = _reader.RowGroup(number);
        long rows = group.MetaData.NumRows;
        if (rows is < 0 or > MostRows)
            throw new AtelierException($"declares {rows} rows in one row group", _path,
                $"write row groups of at most {MostRows} rows");
        using ColumnReader values = group.Column(column.Number);
        using LogicalColumnReader reader = values.LogicalReader();
        return reader.Apply(new Texts((int)rows));
    });

    /// <inheritdoc/>
    public void Dispose()
    {
        _reader.Dispose();
        _bytes.Dispose();
    }

    private static bool IsRead(ColumnDescriptor column) =>
        column.MaxRepetitionLevel == 0 && TypeOf(column) is { } type && type != typeof(byte[]) && !type.IsArray;

    /// <summary>
    /// Returns the .NET type of a column's values, without <see cref="Nullable{T}"/>; null if the library knows none.
    /// </summary>
    private static Type? TypeOf(ColumnDescriptor column)
    {
        try
        {
            (_, _, Type logical) = column.GetSystemTypes(LogicalTypeFactory.Default, columnLogicalTypeOverride: null);
            return Nullable.GetUnderlyingType(logical) ?? logical;
        }
        catch (Exception e) when (e is NotSupportedException or ArgumentException)
        {
            return null;
        }
    }

    private static string? Text<T>(T value) => value switch
    {
        null => null,
        string text => text,
        bool truth => truth ? "true" : "false",
        Date date => date.DateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        DateTime time => time.ToString("yyyy-MM-ddTHH:mm:ss.FFFFFFF", CultureInfo.InvariantCulture),
        DateTimeNanos nanos => nanos.DateTime.ToString("yyyy-MM-ddTHH:mm:ss.FFFFFFF", CultureInfo.InvariantCulture),
        TimeSpanNanos nanos => nanos.TimeSpan.ToString("c", CultureInfo.InvariantCulture),
        Int96 stamp => TimeOf(stamp).ToString("yyyy-MM-ddTHH:mm:ss.FFFFFFF", CultureInfo.InvariantCulture),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString(),
    };

    /// <summary>
    /// Converts an Impala timestamp: the nanoseconds of the day, then the Julian day number (1970 begins with
    /// 2,440,588).
    /// </summary>
    private static DateTime TimeOf(Int96 stamp) =>
        DateTime.UnixEpoch.AddDays(stamp.C - 2_440_588).AddTicks((((long)stamp.B << 32) | (uint)stamp.A) / 100);

    /// <summary>
    /// Opens a file for reading at any position, as Parquet needs: a compressed file is decompressed to a temporary
    /// file first.
    /// </summary>
    private static Stream Seekable(FileSource source, ReadingReport report)
    {
        Stream bytes = FileBytes.Open(source, report);
        if (bytes.CanSeek)
            return bytes;
        using (bytes)
        {
            var copy = new FileStream(Path.GetTempFileName(), FileMode.Open, FileAccess.ReadWrite, FileShare.None,
                bufferSize: 1 << 16, FileOptions.DeleteOnClose);
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

    /// <summary>
    /// Runs a read, and converts the many exceptions by which the library reports a damaged file to one.
    /// </summary>
    private static T Guard<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is not (AtelierException or OutOfMemoryException or OperationCanceledException))
        {
            throw new AtelierException("is not a complete Parquet "
                + "file: " + e.Message.TrimEnd('.').ReplaceLineEndings(" "),
                path,
                "download or write the file again", e);
        }
    }

    /// <summary>Reads a column of any type as text.</summary>
    private sealed class Texts(int rows) : ILogicalColumnReaderVisitor<string?[]>
    {
        public string?[] OnLogicalColumnReader<TElement>(LogicalColumnReader<TElement> columnReader)
        {
            var values = new TElement[rows];
            int read = 0;
            while (read < rows && columnReader.ReadBatch(values, read, rows - read) is > 0 and int count)
                read += count;
            return read == rows ? Array.ConvertAll(values, Text)
                : throw new InvalidDataException($"a column has {read} of {rows} rows");
        }
    }
}
