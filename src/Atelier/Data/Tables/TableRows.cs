using System.Runtime.InteropServices;
using Atelier.Formats;

namespace Atelier.Data.Tables;

/// <summary>Rows of a table, column by column.</summary>
public sealed class TableRows
{
    /// <summary>The code of a missing level; a missing number is NaN.</summary>
    public const int Missing = -1;

    private readonly int[]?[] _codes;
    private readonly double[]?[] _numbers;

    /// <summary>Rows of given columns.</summary>
    /// <param name="schema">The columns.</param>
    /// <param name="count">Rows.</param>
    /// <param name="codes">[column][row]: the level's number, or <see cref="Missing"/>; null for a column of
    /// numbers.</param>
    /// <param name="numbers">[column][row]: the number, or NaN; null for a column of levels.</param>
    public TableRows(TableSchema schema, int count, int[]?[] codes, double[]?[] numbers) =>
        (Schema, Count, _codes, _numbers) = (schema, count, codes, numbers);

    /// <summary>The columns.</summary>
    public TableSchema Schema { get; }

    /// <summary>Rows.</summary>
    public int Count { get; }

    /// <summary>[row]: the level's number in a column of levels, or <see cref="Missing"/>.</summary>
    public ReadOnlySpan<int> Codes(int column) =>
        _codes[column] ?? throw new ArgumentException("it is a numeric column", nameof(column));

    /// <summary>[row]: the number in a column of numbers, or NaN.</summary>
    public ReadOnlySpan<double> Numbers(int column) =>
        _numbers[column] ?? throw new ArgumentException("it is a categorical column", nameof(column));

    /// <summary>The rows of those numbers, in that order.</summary>
    public TableRows Select(IReadOnlyList<int> rows) => new(Schema, rows.Count,
        Array.ConvertAll(_codes, column => column is null ? null : (int[])[.. rows.Select(row => column[row])]),
        Array.ConvertAll(_numbers, column => column is null ? null : (double[])[.. rows.Select(row => column[row])]));

    /// <summary>Writes the rows as tensors "0", "1", …, a column each.</summary>
    internal void Write(string path)
    {
        SafetensorsEntry[] entries = [.. Schema.Columns.Select((column, i) =>
            new SafetensorsEntry($"{i}", column.IsNumeric ? SafetensorsType.F64 : SafetensorsType.I32, [Count]))];
        SafetensorsWriter.Write(path, entries, (entry, stream) =>
        {
            int column = Array.IndexOf(entries, entry);
            stream.Write(_codes[column] is { } codes ? MemoryMarshal.AsBytes<int>(codes)
                : MemoryMarshal.AsBytes<double>(_numbers[column]));
        });
    }

    /// <summary>Reads what <see cref="Write"/> wrote, checking every code against the columns.</summary>
    /// <exception cref="AtelierException">The file is damaged or of other columns.</exception>
    internal static TableRows Read(string path, TableSchema schema)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        int count = -1;
        var codes = new int[]?[schema.Columns.Count];
        var numbers = new double[]?[schema.Columns.Count];
        for (int i = 0; i < codes.Length; i++)
        {
            bool numeric = schema.Columns[i].IsNumeric;
            SafetensorsEntry entry = file.Entry($"{i}");
            if (entry.Type != (numeric ? SafetensorsType.F64 : SafetensorsType.I32) || entry.Shape.Count != 1
                || entry.Shape[0] > int.MaxValue
                || (count >= 0 && entry.Shape[0] != count))
                throw Damaged(path);
            count = (int)entry.Shape[0];
            if (numeric)
            {
                numbers[i] = new double[count];
                file.CopyTo(entry.Name, 0, MemoryMarshal.AsBytes(numbers[i].AsSpan()));
                continue;
            }
            codes[i] = new int[count];
            file.CopyTo(entry.Name, 0, MemoryMarshal.AsBytes(codes[i].AsSpan()));
            if (codes[i].AsSpan().ContainsAnyExceptInRange(Missing, schema.Columns[i].Levels.Count - 1))
                throw Damaged(path);
        }
        return new TableRows(schema, Math.Max(0, count), codes, numbers);
    }

    private static AtelierException Damaged(string path) =>
        new("does not fit the columns of the table", path, "prepare the data again");
}
