namespace Atelier.Kernels;

/// <summary>
/// Rows of unquantised weights in panels, for products with several vectors. A panel holds a few rows, transposed: for
/// each column, the weights of all its rows. The last panel may have less rows than it has room for.
/// </summary>
/// <param name="data">The first panel.</param>
/// <param name="rows">Number of rows.</param>
/// <param name="columns">Number of elements in a row.</param>
/// <param name="type">The type of the elements.</param>
/// <param name="panelRows">Number of rows of a panel, <see cref="KernelPath.PanelRows"/>.</param>
internal readonly unsafe struct PackedRows(byte* data, int rows, int columns, WeightType type, int panelRows)
{
    private readonly byte* _data = data;

    public readonly int Rows = rows, Columns = columns, PanelRows = panelRows;
    public readonly WeightType Type = type;

    /// <summary>The size of a panel in bytes.</summary>
    public readonly long PanelBytes = panelRows * type.RowBytes(columns);

    /// <summary>Returns the panel that a row belongs to.</summary>
    public byte* Panel(int row) => _data + row / PanelRows * PanelBytes;
}

/// <summary>A copy of a matrix in panels.</summary>
internal sealed unsafe class PackedMatrix
{
    private readonly WeightMemory _memory;

    /// <summary>Copies a matrix.</summary>
    /// <param name="matrix">The matrix, of a type that is not blocked.</param>
    /// <param name="panelRows">Number of rows of a panel.</param>
    public PackedMatrix(WeightMatrix matrix, int panelRows)
    {
        int size = (int)matrix.Type.RowBytes(1), panels = (matrix.Rows + panelRows - 1) / panelRows;
        _memory = new WeightMemory(checked((nuint)(panels * panelRows * matrix.RowBytes)));
        Rows = new PackedRows(_memory.Data, matrix.Rows, matrix.Columns, matrix.Type, panelRows);
        for (int row = 0; row < matrix.Rows; row++)
        {
            byte* to = Rows.Panel(row) + row % panelRows * size;
            ReadOnlySpan<byte> from = matrix.Row(row);
            for (int column = 0; column < matrix.Columns; column++)
            {
                from.Slice(column * size, size).CopyTo(new Span<byte>(to, size));
                to += panelRows * size;
            }
        }
    }

    /// <summary>The panels, which this object keeps in memory.</summary>
    public PackedRows Rows { get; }
}
