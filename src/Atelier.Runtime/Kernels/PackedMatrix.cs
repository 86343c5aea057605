namespace Atelier.Kernels;

/// <summary>
/// A copy of rows of unquantised weights in panels, for products with several vectors. A panel holds a few rows,
/// transposed: for each column, the weights of all its rows. Missing rows of the last panel are zeros.
/// </summary>
internal sealed unsafe class PackedMatrix
{
    private readonly WeightMemory _memory;

    /// <summary>Copies a matrix.</summary>
    /// <param name="matrix">The matrix, of a type that is not blocked.</param>
    /// <param name="panelRows">Number of rows of a panel.</param>
    public PackedMatrix(WeightMatrix matrix, int panelRows)
    {
        (Rows, Columns, Type, PanelRows) = (matrix.Rows, matrix.Columns, matrix.Type, panelRows);
        int size = (int)Type.RowBytes(1), panels = (Rows + panelRows - 1) / panelRows;
        PanelBytes = (long)panelRows * Columns * size;
        _memory = new WeightMemory(checked((nuint)(panels * PanelBytes)));
        for (int row = 0; row < Rows; row++)
        {
            byte* to = Panel(row) + row % panelRows * size;
            ReadOnlySpan<byte> from = matrix.Row(row);
            for (int column = 0; column < Columns; column++)
            {
                from.Slice(column * size, size).CopyTo(new Span<byte>(to, size));
                to += panelRows * size;
            }
        }
    }

    /// <summary>Number of rows.</summary>
    public int Rows { get; }

    /// <summary>Number of elements in a row.</summary>
    public int Columns { get; }

    /// <summary>The type of the elements.</summary>
    public WeightType Type { get; }

    /// <summary>Number of rows of a panel.</summary>
    public int PanelRows { get; }

    /// <summary>The size of a panel in bytes.</summary>
    public long PanelBytes { get; }

    /// <summary>Returns the panel that a row belongs to.</summary>
    public byte* Panel(int row) => _memory.Data + row / PanelRows * PanelBytes;
}
