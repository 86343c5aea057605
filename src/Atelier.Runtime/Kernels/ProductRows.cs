namespace Atelier.Kernels;

/// <summary>Some rows of a weight matrix: what one worker multiplies.</summary>
internal readonly unsafe struct ProductRows(WeightMatrix matrix, int start, int count)
{
    /// <summary>The first row's first byte.</summary>
    public readonly byte* Data = matrix.Data + start * matrix.RowBytes;

    /// <summary>Bytes of a row.</summary>
    public readonly long RowBytes = matrix.RowBytes;

    /// <summary>Rows.</summary>
    public readonly int Rows = count;

    /// <summary>Elements of a row.</summary>
    public readonly int Columns = matrix.Columns;

    /// <summary>The type of the elements.</summary>
    public readonly WeightType Type = matrix.Type;
}
