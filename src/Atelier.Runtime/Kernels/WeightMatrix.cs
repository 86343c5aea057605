namespace Atelier.Kernels;

/// <summary>
/// An immutable matrix of weights in row-major order, in a mapped file (at any alignment) or in memory of its own. Its
/// product with a vector x is the dot product of each row with x. Safe for concurrent use.
/// </summary>
public sealed unsafe class WeightMatrix
{
    private readonly object? _owner;

    /// <summary>Creates a matrix over memory that another object owns, without copying.</summary>
    /// <param name="name">The name in error messages: that of the tensor in its file.</param>
    /// <param name="type">The type of the elements, any but Q3 and Q2.</param>
    /// <param name="rows">Number of rows, at least 1.</param>
    /// <param name="columns">Number of elements in a row, at least 1; whole blocks for blocked types.</param>
    /// <param name="data">The first byte of the first row; <see cref="ByteCount"/> bytes are read.</param>
    /// <param name="owner">The owner of the memory, which the matrix keeps alive. The matrix must not be used after the
    /// owner is disposed.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is out of range, or the type is one of files only.
    /// </exception>
    public WeightMatrix(string name, WeightType type, int rows, int columns, byte* data, object? owner)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(columns, 1);
        if (!FileBlocks.Has(type)) // plain code multiplies these everywhere
            ArgumentOutOfRangeException.ThrowIfNotEqual(type, type.InMemory());
        (Name, Type, Rows, Columns, _owner) = (name, type, rows, columns, owner);
        Data = data;
        RowBytes = type.RowBytes(columns);
    }

    /// <summary>The name in error messages.</summary>
    public string Name { get; }

    /// <summary>The type of the elements.</summary>
    public WeightType Type { get; }

    /// <summary>Number of rows.</summary>
    public int Rows { get; }

    /// <summary>Number of elements in a row.</summary>
    public int Columns { get; }

    /// <summary>The size of a row in bytes.</summary>
    public long RowBytes { get; }

    /// <summary>The size of all rows in bytes.</summary>
    public long ByteCount => Rows * RowBytes;

    /// <summary>The first byte.</summary>
    internal byte* Data { get; }

    /// <summary>Creates a matrix in memory of its own.</summary>
    /// <param name="name">The name in error messages.</param>
    /// <param name="rows">Number of rows, at least 1.</param>
    /// <param name="columns">Number of elements in a row, at least 1.</param>
    /// <param name="values">The elements, [rows, columns], which are copied.</param>
    /// <param name="type">The type to round the elements to.</param>
    public static WeightMatrix From(string name, int rows, int columns, ReadOnlySpan<float> values,
        WeightType type = WeightType.F32)
    {
        if (values.Length != (long)rows * columns)
            throw new ArgumentException($"{values.Length} values do not make {rows} × {columns}", nameof(values));
        WeightMatrix matrix = Allocate(name, type, rows, columns);
        for (int row = 0; row < rows; row++)
            Encode(type, values.Slice(row * columns, columns), matrix.RowSpan(row));
        return matrix;
    }

    /// <summary>Returns a copy of the matrix in another type, with each value rounded to the nearest.</summary>
    public WeightMatrix ConvertTo(WeightType type)
    {
        WeightMatrix matrix = Allocate(Name, type, Rows, Columns);
        float[] values = new float[Columns];
        for (int row = 0; row < Rows; row++)
        {
            ReadRow(row, values);
            Encode(type, values, matrix.RowSpan(row));
        }
        return matrix;
    }

    /// <summary>Returns the transposed matrix as a copy in single precision.</summary>
    public WeightMatrix Transpose()
    {
        WeightMatrix matrix = Allocate(Name, WeightType.F32, Columns, Rows);
        float* result = (float*)matrix.Data;
        float[] values = new float[Columns];
        for (int row = 0; row < Rows; row++)
        {
            ReadRow(row, values);
            for (int column = 0; column < values.Length; column++)
                result[(long)column * Rows + row] = values[column];
        }
        return matrix;
    }

    /// <summary>
    /// Returns a range of rows without copying, such as the rows of queries in a matrix that also has those of keys and
    /// values.
    /// </summary>
    public WeightMatrix Slice(int start, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Rows - start);
        return new WeightMatrix(Name, Type, count, Columns, Data + start * RowBytes, _owner);
    }

    /// <summary>Returns the bytes of a row.</summary>
    public ReadOnlySpan<byte> Row(int row) => RowSpan(row);

    /// <summary>Reads a row in single precision.</summary>
    /// <param name="row">The row.</param>
    /// <param name="destination">Filled with the elements, [columns].</param>
    public void ReadRow(int row, Span<float> destination) => WeightConversion.Decode(Type, RowSpan(row), destination);

    /// <summary>Returns a matrix of a file: in its memory, or a copy if the type has another in memory.</summary>
    /// <inheritdoc cref="WeightMatrix(string, WeightType, int, int, byte*, object?)"/>
    internal static WeightMatrix OfFile(string name, WeightType type, int rows, int columns, byte* data, object? owner)
    {
        if (type == type.InMemory())
            return new WeightMatrix(name, type, rows, columns, data, owner);
        WeightMatrix matrix = Allocate(name, type, rows, columns);
        int rowBytes = checked((int)type.RowBytes(columns));
        nint start = (nint)data; // a pointer cannot be captured
        Parallel.For(0, rows, row => WeightConversion.Widen(type,
            new((byte*)start + ((long)row * rowBytes), rowBytes), matrix.RowSpan(row)));
        return matrix;
    }

    private static void Encode(WeightType type, ReadOnlySpan<float> values, Span<byte> row)
    {
        if (type == type.InMemory())
        {
            WeightConversion.Encode(type, values, row);
            return;
        }
        byte[] blocks = new byte[type.RowBytes(values.Length)];
        WeightConversion.Encode(type, values, blocks);
        BlockCodes.Expand(type, blocks, row);
    }

    private static WeightMatrix Allocate(string name, WeightType type, int rows, int columns)
    {
        type = type.InMemory();
        var memory = new WeightMemory(checked((nuint)(rows * type.RowBytes(columns))));
        return new WeightMatrix(name, type, rows, columns, memory.Data, memory);
    }

    private Span<byte> RowSpan(int row)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)row, (uint)Rows, nameof(row));
        return new Span<byte>(Data + row * RowBytes, checked((int)RowBytes));
    }
}
