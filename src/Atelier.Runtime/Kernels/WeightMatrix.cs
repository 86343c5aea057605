namespace Atelier.Kernels;

/// <summary>
/// A matrix of weights, row after row, that is only read: in a mapped file, where it may lie at any address, or in
/// memory of its own. A product with a vector x is the dot product of each row with x. Safe to share between threads.
/// </summary>
public sealed unsafe class WeightMatrix
{
    private readonly object? _owner;

    /// <summary>Takes a matrix as it lies in memory that somebody else keeps.</summary>
    /// <param name="name">What errors call it: the tensor's name in its file.</param>
    /// <param name="type">The type of its elements.</param>
    /// <param name="rows">Rows, from 1.</param>
    /// <param name="columns">Elements of a row, from 1; of blocked types a multiple of 32.</param>
    /// <param name="data">The first byte of the first row; <see cref="ByteCount"/> bytes are read.</param>
    /// <param name="owner">Kept alive with the matrix: what the memory belongs to. Whoever disposes of it must not use
    /// the matrix any more.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such matrix.</exception>
    public WeightMatrix(string name, WeightType type, int rows, int columns, byte* data, object? owner)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(columns, 1);
        (Name, Type, Rows, Columns, _owner) = (name, type, rows, columns, owner);
        Data = data;
        RowBytes = type.RowBytes(columns);
    }

    /// <summary>What errors call it.</summary>
    public string Name { get; }

    /// <summary>The type of its elements.</summary>
    public WeightType Type { get; }

    /// <summary>Rows.</summary>
    public int Rows { get; }

    /// <summary>Elements of a row.</summary>
    public int Columns { get; }

    /// <summary>Bytes of a row.</summary>
    public long RowBytes { get; }

    /// <summary>Bytes of all rows.</summary>
    public long ByteCount => Rows * RowBytes;

    /// <summary>The first byte.</summary>
    internal byte* Data { get; }

    /// <summary>Makes a matrix in memory of its own.</summary>
    /// <param name="name">What errors call it.</param>
    /// <param name="rows">Rows, from 1.</param>
    /// <param name="columns">Elements of a row, from 1.</param>
    /// <param name="values">[rows, columns], copied.</param>
    /// <param name="type">The type to keep them in.</param>
    public static WeightMatrix From(string name, int rows, int columns, ReadOnlySpan<float> values,
        WeightType type = WeightType.F32)
    {
        if (values.Length != (long)rows * columns)
            throw new ArgumentException($"{values.Length} values do not make {rows} × {columns}", nameof(values));
        WeightMatrix matrix = Allocate(name, type, rows, columns);
        for (int row = 0; row < rows; row++)
            WeightConversion.Encode(type, values.Slice(row * columns, columns), matrix.RowSpan(row));
        return matrix;
    }

    /// <summary>The same values in another type, in memory of its own, each rounded to the nearest.</summary>
    public WeightMatrix ConvertTo(WeightType type)
    {
        WeightMatrix matrix = Allocate(Name, type, Rows, Columns);
        float[] values = new float[Columns];
        for (int row = 0; row < Rows; row++)
        {
            ReadRow(row, values);
            WeightConversion.Encode(type, values, matrix.RowSpan(row));
        }
        return matrix;
    }

    /// <summary>The matrix with rows and columns exchanged, in memory of its own, in single precision.</summary>
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

    /// <summary>Some of its rows, not copied: the queries' rows of a matrix that holds keys and values too.</summary>
    public WeightMatrix Slice(int start, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Rows - start);
        return new WeightMatrix(Name, Type, count, Columns, Data + start * RowBytes, _owner);
    }

    /// <summary>The bytes of a row as they lie.</summary>
    public ReadOnlySpan<byte> Row(int row) => RowSpan(row);

    /// <summary>A row in single precision.</summary>
    /// <param name="row">The row.</param>
    /// <param name="destination">[columns].</param>
    public void ReadRow(int row, Span<float> destination) => WeightConversion.Decode(Type, RowSpan(row), destination);

    private static WeightMatrix Allocate(string name, WeightType type, int rows, int columns)
    {
        var memory = new WeightMemory(checked((nuint)(rows * type.RowBytes(columns))));
        return new WeightMatrix(name, type, rows, columns, memory.Data, memory);
    }

    private Span<byte> RowSpan(int row)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)row, (uint)Rows, nameof(row));
        return new Span<byte>(Data + row * RowBytes, checked((int)RowBytes));
    }
}
