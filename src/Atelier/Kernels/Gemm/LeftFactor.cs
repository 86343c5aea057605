namespace Atelier.Kernels.Gemm;

/// <summary>The left factor A of a product, in bf16, where it lies: any distances do, in bytes.</summary>
internal readonly unsafe struct LeftFactor
{
    private LeftFactor(void* data, long row, long pair, int count)
    {
        Data = (byte*)data;
        (Row, Pair, Count) = (row, pair, count);
    }

    /// <summary>The pair of the first row and the first two columns.</summary>
    public byte* Data { get; }

    /// <summary>From one row to the next.</summary>
    public long Row { get; }

    /// <summary>From one pair of columns to the next.</summary>
    public long Pair { get; }

    /// <summary>Rows.</summary>
    public int Count { get; }

    /// <summary>A, row by row.</summary>
    /// <param name="data">The first number.</param>
    /// <param name="row">Numbers from one row to the next.</param>
    /// <param name="count">Rows.</param>
    public static LeftFactor Rows(ushort* data, long row, int count) =>
        new(data, row * sizeof(ushort), 2 * sizeof(ushort), count);

    /// <summary>
    /// A of which the numbers of a pair of columns lie side by side, pair by pair
    /// (<see cref="Packing.PairRows(ushort*, long, int, int, uint*, long)"/> of Aᵀ).
    /// </summary>
    /// <param name="data">The first pair.</param>
    /// <param name="pair">Numbers of 32 bits from one pair of columns to the next.</param>
    /// <param name="count">Rows of A.</param>
    public static LeftFactor Pairs(uint* data, long pair, int count) =>
        new(data, sizeof(uint), pair * sizeof(uint), count);
}
