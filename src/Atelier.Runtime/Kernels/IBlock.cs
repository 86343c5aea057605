using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Atelier.Kernels;

/// <summary>How blocks of 32 weights are brought into registers of 256 bits.</summary>
internal unsafe interface IBlock
{
    /// <summary>Bytes of a block.</summary>
    static abstract int Bytes { get; }

    /// <summary>What <see cref="Dot"/> takes the weights to be too large by.</summary>
    static abstract int Offset { get; }

    /// <summary>Registers of unsigned bytes that each four weights of eight rows take in a panel; the second counts sixteen times.</summary>
    static abstract int Planes { get; }

    /// <summary>What the planes take the weights to be too large by.</summary>
    static abstract int PanelOffset { get; }

    /// <summary>Sums of four weights times values.</summary>
    static abstract Vector256<int> Dot(byte* block, Vector256<sbyte> values);

    /// <summary>Writes a block of eight rows for a panel: [plane, four weights (8), row (8), weight (4)].</summary>
    /// <param name="block">The first row's.</param>
    /// <param name="rowBytes">Bytes from row to row.</param>
    /// <param name="panel">32-byte registers: 8 a plane.</param>
    static abstract void Pack(byte* block, long rowBytes, byte* panel);
}

/// <summary>8-bit blocks.</summary>
internal readonly unsafe struct Q8Block<TDot> : IBlock
    where TDot : struct, IByteDot
{
    public static int Bytes { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => WeightTypes.Q8BlockBytes; }

    public static int Offset { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => TDot.TakesAnyByte ? 128 : 0; }

    public static int Planes { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => TDot.TakesAnyByte ? 1 : 2; }

    public static int PanelOffset { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 128; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Dot(byte* block, Vector256<sbyte> values)
    {
        Vector256<sbyte> w = Vector256.Load((sbyte*)block + 2);
        if (TDot.TakesAnyByte)
            return TDot.Total(TDot.Add(Vector256<int>.Zero, w.AsByte() ^ Vector256.Create((byte)0x80), values));
        // |w| · (sign(w) x): at most 2 · 128 · 127 in 16 bits.
        return Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(Avx2.Abs(w), Avx2.Sign(values, w)), Vector256<short>.One);
    }

    public static void Pack(byte* block, long rowBytes, byte* panel)
    {
        // The first 16 bytes of the rows, then the others.
        for (int half = 0; half < 2; half++)
        {
            BlockTranspose.FourBytesOfEightRows(block + 2 + 16 * half, rowBytes, out Vector256<byte> a, out Vector256<byte> b, out Vector256<byte> c, out Vector256<byte> d);
            Put(a, panel + 128 * half);
            Put(b, panel + 128 * half + 32);
            Put(c, panel + 128 * half + 64);
            Put(d, panel + 128 * half + 96);
        }
    }

    /// <summary>w + 128, whole, or its lower and its upper four bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(Vector256<byte> weights, byte* to)
    {
        Vector256<byte> unsigned = weights ^ Vector256.Create((byte)0x80);
        (TDot.TakesAnyByte ? unsigned : unsigned & Vector256.Create((byte)15)).Store(to);
        if (!TDot.TakesAnyByte)
            ((unsigned.AsUInt16() >> 4).AsByte() & Vector256.Create((byte)15)).Store(to + 256);
    }
}

/// <summary>4-bit blocks.</summary>
internal readonly unsafe struct Q4Block<TDot> : IBlock
    where TDot : struct, IByteDot
{
    public static int Bytes { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => WeightTypes.Q4BlockBytes; }

    public static int Offset { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 8; }

    public static int Planes { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 1; }

    public static int PanelOffset { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 8; }

    // The lower lane takes the low halves of the bytes, the upper lane the high ones.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Dot(byte* block, Vector256<sbyte> values)
    {
        Vector256<uint> both = Avx2.BroadcastVector128ToVector256(block + 2).AsUInt32();
        Vector256<byte> w = Avx2.ShiftRightLogicalVariable(both, Vector256.Create(0u, 0, 0, 0, 4, 4, 4, 4)).AsByte() & Vector256.Create((byte)15);
        return TDot.Total(TDot.Add(Vector256<int>.Zero, w, values));
    }

    public static void Pack(byte* block, long rowBytes, byte* panel)
    {
        BlockTranspose.FourBytesOfEightRows(block + 2, rowBytes, out Vector256<byte> a, out Vector256<byte> b, out Vector256<byte> c, out Vector256<byte> d);
        Put(a, panel);
        Put(b, panel + 32);
        Put(c, panel + 64);
        Put(d, panel + 96);
    }

    /// <summary>Elements 0 to 15 are the low four bits, 16 to 31 the high ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(Vector256<byte> both, byte* to)
    {
        (both & Vector256.Create((byte)15)).Store(to);
        ((both.AsUInt16() >> 4).AsByte() & Vector256.Create((byte)15)).Store(to + 128);
    }
}
