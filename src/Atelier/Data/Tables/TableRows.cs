using System.Runtime.InteropServices;
using Atelier.Formats;

namespace Atelier.Data.Tables;

/// <summary>The rows of a table, stored column by column.</summary>
public sealed class TableRows
{
    /// <summary>The code that stands for a missing level. A missing number is NaN.</summary>
    public const int Missing = -1;

    private readonly int[]?[] _codes;
    private readonly double[]?[] _numbers;

    /// <summary>Creates rows from the values of their columns.</summary>
    /// <param name="schema">The columns.</param>
    /// <param name="count">The number of rows.</param>
    /// <param name="codes">The index of the level, or <see cref="Missing"/>, as [column][row]; null for a numeric
    /// column.</param>
    /// <param name="numbers">The number, or NaN, as [column][row]; null for a categorical column.</param>
    public TableRows(TableSchema schema, int count, int[]?[] codes, double[]?[] numbers) =>
        (Schema, Count, _codes, _numbers) = (schema, count, codes, numbers);

    /// <summary>The columns.</summary>
    public TableSchema Schema { get; }

    /// <summary>The number of rows.</summary>
    public int Count { get; }

    /// <summary>
    /// Returns the values of a categorical column: for each row the index of its level, or <see cref="Missing"/>.
    /// </summary>
    public ReadOnlySpan<int> Codes(int column) =>
        _codes[column] ?? throw new ArgumentException("it is a numeric column", nameof(column));

    /// <summary>Returns the values of a numeric column: for each row a number, or NaN where it is missing.</summary>
    public ReadOnlySpan<double> Numbers(int column) =>
        _numbers[column] ?? throw new ArgumentException("it is a categorical column", nameof(column));

    /// <summary>Returns the rows with the given indices, in the given order.</summary>
    public TableRows Select(IReadOnlyList<int> rows) => new(Schema, rows.Count,
        Array.ConvertAll(_codes, column => column is null ? null : (int[])[.. rows.Select(row => column[row])]),
        Array.ConvertAll(_numbers, column => column is null ? null : (double[])[.. rows.Select(row => column[row])]));

    /// <summary>Writes the rows as a safetensors file with one tensor per column, named "0", "1", ….</summary>
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

    /// <summary>Reads a file that <see cref="Write"/> wrote, and checks each level index against the schema.</summary>
    /// <exception cref="AtelierException">The file is damaged or belongs to other columns.</exception>
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
                || entry.Shape[0] > int.MaxValue || (count >= 0 && entry.Shape[0] != count))
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
