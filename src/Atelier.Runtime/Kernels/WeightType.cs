namespace Atelier.Kernels;

/// <summary>How the elements of a weight matrix stand in memory.</summary>
public enum WeightType
{
    /// <summary>IEEE single precision.</summary>
    F32,

    /// <summary>bfloat16: the upper half of single precision.</summary>
    BF16,

    /// <summary>IEEE half precision.</summary>
    F16,

    /// <summary>
    /// Blocks of 32 elements, 34 bytes: a half-precision scale d, then 32 signed bytes q; element i is d · q[i]. GGUF's
    /// Q8_0.
    /// </summary>
    Q8_0,

    /// <summary>
    /// Blocks of 32 elements, 18 bytes: a half-precision scale d, then 16 bytes whose low four bits are elements 0 to
    /// 15 and whose high four bits are elements 16 to 31; an element is d · (q − 8). GGUF's Q4_0.
    /// </summary>
    Q4_0,
}

/// <summary>Sizes of weight types.</summary>
public static class WeightTypes
{
    /// <summary>Elements of a block of the 8-bit and 4-bit types.</summary>
    public const int BlockSize = 32;

    /// <summary>Bytes of a block of 8-bit weights.</summary>
    public const int Q8BlockBytes = 34;

    /// <summary>Bytes of a block of 4-bit weights.</summary>
    public const int Q4BlockBytes = 18;

    /// <summary>Whether elements stand in blocks of 32, so that rows have a multiple of 32 elements.</summary>
    public static bool IsBlocked(this WeightType type) => type is WeightType.Q8_0 or WeightType.Q4_0;

    /// <summary>The bytes of a row.</summary>
    /// <param name="type">The type.</param>
    /// <param name="columns">Its elements, from 0; of blocked types a multiple of 32.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are no such rows.</exception>
    public static long RowBytes(this WeightType type, long columns)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(columns);
        if (type.IsBlocked() && columns % BlockSize != 0)
            throw new ArgumentOutOfRangeException(nameof(columns), columns,
                $"rows of {type} have a multiple of {BlockSize} elements");
        return type switch
        {
            WeightType.F32 => columns * sizeof(float),
            WeightType.BF16 or WeightType.F16 => columns * sizeof(ushort),
            WeightType.Q8_0 => columns / BlockSize * Q8BlockBytes,
            WeightType.Q4_0 => columns / BlockSize * Q4BlockBytes,
            _ => throw new ArgumentOutOfRangeException(nameof(type), type, "no such type"),
        };
    }
}
