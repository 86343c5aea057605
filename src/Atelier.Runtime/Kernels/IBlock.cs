using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Atelier.Kernels;

/// <summary>Loads blocks of 32 weights into 256-bit registers.</summary>
internal unsafe interface IBlock
{
    /// <summary>The size of a block in bytes.</summary>
    static abstract int Bytes { get; }

    /// <summary>The offset that <see cref="OneRow"/> and <see cref="EightRows"/> add to each weight.</summary>
    static abstract int Offset { get; }

    /// <summary>
    /// Number of registers of unsigned bytes that four weights of eight rows take in a panel. A second plane has 16
    /// times the weight of the first.
    /// </summary>
    static abstract int Planes { get; }

    /// <summary>The offset that the planes add to each weight.</summary>
    static abstract int PanelOffset { get; }

    /// <summary>Returns the dot product of a block with values.</summary>
    static abstract int OneRow(byte* block, sbyte* values);

    /// <summary>Returns the dot products of the blocks of eight rows with values.</summary>
    /// <param name="block">The block of the first row.</param>
    /// <param name="rowBytes">Number of bytes from one row to the next.</param>
    /// <param name="values">32 values, four to an integer.</param>
    static abstract Vector256<int> EightRows(byte* block, long rowBytes, int* values);

    /// <summary>
    /// Writes the blocks of eight rows to a panel: [plane, group of four weights (8), row (8), weight (4)].
    /// </summary>
    /// <param name="block">The block of the first row.</param>
    /// <param name="rowBytes">Number of bytes from one row to the next.</param>
    /// <param name="panel">The panel: 32-byte registers, 8 for each plane.</param>
    static abstract void Pack(byte* block, long rowBytes, byte* panel);
}

/// <summary>Blocks of 8-bit weights.</summary>
internal readonly unsafe struct Q8Block<TDot> : IBlock
    where TDot : struct, IByteDot
{
    public static int Bytes { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => WeightTypes.Q8BlockBytes; }

    public static int Offset { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => TDot.TakesAnyByte ? 128 : 0; }

    public static int Planes { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => TDot.TakesAnyByte ? 1 : 2; }

    public static int PanelOffset { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 128; }

    public static int OneRow(byte* block, sbyte* values)
    {
        int sum = 0;
        for (int i = 0; i < WeightTypes.BlockSize; i++)
            sum += ((sbyte)block[2 + i] + Offset) * values[i];
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> EightRows(byte* block, long rowBytes, int* values)
    {
        BlockTranspose.FourBytesOfEightRows(block + 2, rowBytes, out Vector256<byte> a, out Vector256<byte> b,
            out Vector256<byte> c, out Vector256<byte> d);
        Vector256<int> sum =
            Add(d, values + 3, Add(c, values + 2, Add(b, values + 1, Add(a, values, Vector256<int>.Zero))));
        BlockTranspose.FourBytesOfEightRows(block + 18, rowBytes, out a, out b, out c, out d);
        return Add(d, values + 7, Add(c, values + 6, Add(b, values + 5, Add(a, values + 4, sum))));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Add(Vector256<byte> weights, int* four, Vector256<int> sum)
    {
        Vector256<sbyte> w = weights.AsSByte(), x = Vector256.Create(*four).AsSByte();
        if (TDot.TakesAnyByte)
            return TDot.Add(sum, weights ^ Vector256.Create((byte)0x80), x);
        // w x = |w| · (sign(w) x): two products sum to at most 2 · 128 · 127, which fits into 16 bits.
        return sum + Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(Avx2.Abs(w), Avx2.Sign(x, w)),
            Vector256<short>.One);
    }

    public static void Pack(byte* block, long rowBytes, byte* panel)
    {
        // The first 16 bytes of each row, then the others.
        for (int half = 0; half < 2; half++)
        {
            BlockTranspose.FourBytesOfEightRows(block + 2 + 16 * half, rowBytes, out Vector256<byte> a,
                out Vector256<byte> b, out Vector256<byte> c, out Vector256<byte> d);
            Put(a, panel + 128 * half);
            Put(b, panel + 128 * half + 32);
            Put(c, panel + 128 * half + 64);
            Put(d, panel + 128 * half + 96);
        }
    }

    /// <summary>Stores w + 128, either as one byte or split into its lower and upper four bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(Vector256<byte> weights, byte* to)
    {
        Vector256<byte> unsigned = weights ^ Vector256.Create((byte)0x80);
        (TDot.TakesAnyByte ? unsigned : unsigned & Vector256.Create((byte)15)).Store(to);
        if (!TDot.TakesAnyByte)
            ((unsigned.AsUInt16() >> 4).AsByte() & Vector256.Create((byte)15)).Store(to + 256);
    }
}

/// <summary>Blocks of 4-bit weights.</summary>
internal readonly unsafe struct Q4Block<TDot> : IBlock
    where TDot : struct, IByteDot
{
    public static int Bytes { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => WeightTypes.Q4BlockBytes; }

    public static int Offset { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 8; }

    public static int Planes { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 1; }

    public static int PanelOffset { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 8; }

    public static int OneRow(byte* block, sbyte* values)
    {
        int sum = 0;
        for (int i = 0; i < 16; i++)
            sum += (block[2 + i] & 15) * values[i] + (block[2 + i] >> 4) * values[16 + i];
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> EightRows(byte* block, long rowBytes, int* values)
    {
        BlockTranspose.FourBytesOfEightRows(block + 2, rowBytes, out Vector256<byte> a, out Vector256<byte> b,
            out Vector256<byte> c, out Vector256<byte> d);
        Vector256<int> sum =
            Add(d, values + 3, Add(c, values + 2, Add(b, values + 1, Add(a, values, Vector256<int>.Zero))));
        return TDot.Total(Add(High(d), values + 7,
            Add(High(c), values + 6, Add(High(b), values + 5, Add(High(a), values + 4, sum)))));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Add(Vector256<byte> weights, int* four, Vector256<int> sum) =>
        TDot.Add(sum, weights & Vector256.Create((byte)15), Vector256.Create(*four).AsSByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> High(Vector256<byte> both) => (both.AsUInt16() >> 4).AsByte();

    public static void Pack(byte* block, long rowBytes, byte* panel)
    {
        BlockTranspose.FourBytesOfEightRows(block + 2, rowBytes, out Vector256<byte> a, out Vector256<byte> b,
            out Vector256<byte> c, out Vector256<byte> d);
        Put(a, panel);
        Put(b, panel + 32);
        Put(c, panel + 64);
        Put(d, panel + 96);
    }

    /// <summary>
    /// Stores the low four bits, which are elements 0 to 15, and the high four bits, which are elements 16 to 31.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(Vector256<byte> both, byte* to)
    {
        (both & Vector256.Create((byte)15)).Store(to);
        (High(both) & Vector256.Create((byte)15)).Store(to + 128);
    }
}
