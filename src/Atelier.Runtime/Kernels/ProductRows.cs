namespace Atelier.Kernels;

/// <summary>A range of rows of a weight matrix, which one worker multiplies.</summary>
internal readonly unsafe struct ProductRows(WeightMatrix matrix, int start, int count)
{
    /// <summary>The first byte of the first row.</summary>
    public readonly byte* Data = matrix.Data + start * matrix.RowBytes;

    /// <summary>The size of a row in bytes.</summary>
    public readonly long RowBytes = matrix.RowBytes;

    /// <summary>Number of rows.</summary>
    public readonly int Rows = count;

    /// <summary>Number of elements in a row.</summary>
    public readonly int Columns = matrix.Columns;

    /// <summary>The type of the elements.</summary>
    public readonly WeightType Type = matrix.Type;
}
