namespace Atelier.Kernels;

/// <summary>The data type of the elements of a weight matrix.</summary>
public enum WeightType
{
    /// <summary>IEEE single precision.</summary>
    F32,

    /// <summary>bfloat16: the upper half of single precision.</summary>
    BF16,

    /// <summary>IEEE half precision.</summary>
    F16,

    /// <summary>
    /// Blocks of 32 elements in 34 bytes: a half-precision scale d, then 32 signed bytes q. Element i is d · q[i]. This
    /// is GGUF's Q8_0.
    /// </summary>
    Q8_0,

    /// <summary>
    /// Blocks of 32 elements in 18 bytes: a half-precision scale d, then 16 bytes whose low four bits are elements 0 to
    /// 15 and whose high four bits are elements 16 to 31. An element is d · (q − 8). This is GGUF's Q4_0.
    /// </summary>
    Q4_0,

    /// <summary>
    /// Blocks of 32 elements in 14 bytes: a half-precision scale d, then 8 bytes with the lower two bits of the
    /// elements and 4 with the third. An element is d · (q − 4). Only Atelier reads these blocks; in memory, they
    /// become Q4_0.
    /// </summary>
    Q3,

    /// <summary>
    /// Blocks of 32 elements in 10 bytes: a half-precision scale d, then 8 bytes with two bits for each element. An
    /// element is d · (2q − 3). Only Atelier reads these blocks; in memory, they become Q4_0.
    /// </summary>
    Q2,

    /// <summary>
    /// Blocks of 32 elements in 20 bytes: 4 bits, a scale and a minimum. This is GGUF's Q4_1.
    /// </summary>
    Q4_1,

    /// <summary>Blocks of 32 elements in 22 bytes: 5 bits and a scale. This is GGUF's Q5_0.</summary>
    Q5_0,

    /// <summary>
    /// Blocks of 32 elements in 24 bytes: 5 bits, a scale and a minimum. This is GGUF's Q5_1.
    /// </summary>
    Q5_1,

    /// <summary>
    /// Blocks of 256 elements in 84 bytes: 2 bits, scales and minimums of 16 elements. This is GGUF's Q2_K.
    /// </summary>
    Q2_K,

    /// <summary>
    /// Blocks of 256 elements in 110 bytes: 3 bits, scales of 16 elements. This is GGUF's Q3_K.
    /// </summary>
    Q3_K,

    /// <summary>
    /// Blocks of 256 elements in 144 bytes: 4 bits, scales and minimums of 32 elements. This is GGUF's Q4_K.
    /// </summary>
    Q4_K,

    /// <summary>
    /// Blocks of 256 elements in 176 bytes: 5 bits, scales and minimums of 32 elements. This is GGUF's Q5_K.
    /// </summary>
    Q5_K,

    /// <summary>
    /// Blocks of 256 elements in 210 bytes: 6 bits, scales of 16 elements. This is GGUF's Q6_K.
    /// </summary>
    Q6_K,

    /// <summary>
    /// Blocks of 32 elements in 18 bytes: 4 bits that select one of 16 unequal steps, and a scale. This is
    /// GGUF's IQ4_NL.
    /// </summary>
    IQ4_NL,

    /// <summary>
    /// Blocks of 256 elements in 136 bytes: the steps of IQ4_NL, scales of 32 elements. This is GGUF's
    /// IQ4_XS.
    /// </summary>
    IQ4_XS,
}

/// <summary>The sizes of weight types.</summary>
public static class WeightTypes
{
    /// <summary>
    /// Number of elements in a block of most types of 8 bits and less; see <see cref="BlockElements"/>.
    /// </summary>
    public const int BlockSize = 32;

    /// <summary>Number of elements in a block of the types with large blocks, such as Q4_K.</summary>
    public const int LargeBlockSize = 256;

    /// <summary>The size in bytes of a block of 8-bit weights.</summary>
    public const int Q8BlockBytes = 34;

    /// <summary>The size in bytes of a block of 4-bit weights.</summary>
    public const int Q4BlockBytes = 18;

    /// <summary>The size in bytes of a block of 3-bit weights.</summary>
    public const int Q3BlockBytes = 14;

    /// <summary>The size in bytes of a block of 2-bit weights.</summary>
    public const int Q2BlockBytes = 10;

    /// <summary>
    /// Returns whether a type stores elements in blocks, so that rows consist of whole blocks.
    /// </summary>
    public static bool IsBlocked(this WeightType type) =>
        type is WeightType.Q8_0 || BlockCodes.Has(type) || FileBlocks.Has(type);

    /// <summary>Returns the number of elements in a block: 1 for types without blocks, otherwise 32 or 256.</summary>
    public static int BlockElements(this WeightType type) => type.IsBlocked() ? FileBlocks.Size(type).Elements : 1;

    /// <summary>
    /// Returns the type that weights have in memory: blocks of 3 and 2 bits become Q4_0 with the same elements. On
    /// processors without AVX2, GGUF's types of groups with a scale, for example Q4_K, become Q8_0.
    /// </summary>
    public static WeightType InMemory(this WeightType type) =>
        FileBlocks.Has(type) && KernelPath.Best.MultipliesGroups ? type : type.Widened();

    /// <summary>
    /// Returns the type of blocks that hold the weights of others: Q4_0 for Q3 and Q2, and Q8_0 for GGUF's types of
    /// groups with a scale. Other types are returned unchanged.
    /// </summary>
    internal static WeightType Widened(this WeightType type) => type switch
    {
        WeightType.Q3 or WeightType.Q2 => WeightType.Q4_0,
        _ => FileBlocks.Has(type) ? WeightType.Q8_0 : type,
    };

    /// <summary>Returns the size of a row in bytes.</summary>
    /// <param name="type">The type.</param>
    /// <param name="columns">Number of elements, at least 0; a multiple of the block's for blocked types.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number of elements is out of range.</exception>
    public static long RowBytes(this WeightType type, long columns)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(columns);
        if (columns % type.BlockElements() != 0)
            throw new ArgumentOutOfRangeException(nameof(columns), columns,
                $"rows of {type} have a multiple of {type.BlockElements()} elements");
        return type switch
        {
            WeightType.F32 => columns * sizeof(float),
            WeightType.BF16 or WeightType.F16 => columns * sizeof(ushort),
            WeightType.Q8_0 => columns / BlockSize * Q8BlockBytes,
            WeightType.Q4_0 => columns / BlockSize * Q4BlockBytes,
            WeightType.Q3 => columns / BlockSize * Q3BlockBytes,
            WeightType.Q2 => columns / BlockSize * Q2BlockBytes,
            _ when FileBlocks.Size(type) is (int elements, int bytes and > 0) => columns / elements * bytes,
            _ => throw new ArgumentOutOfRangeException(nameof(type), type, "no such type"),
        };
    }
}
