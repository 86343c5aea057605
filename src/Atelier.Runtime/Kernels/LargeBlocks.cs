using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Atelier.Kernels;

/// <summary>Parts that the blocks of 256 weights have in common.</summary>
internal static unsafe class LargeBlocks
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    /// <summary>Returns eight unsigned bytes times a factor.</summary>
    [MethodImpl(Inline)]
    public static Vector256<float> Times(ulong bytes, float factor) =>
        Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(Vector128.CreateScalarUnsafe(bytes).AsByte()))
        * Vector256.Create(factor);

    /// <summary>Returns the lower four bits of each byte.</summary>
    [MethodImpl(Inline)]
    public static Vector256<byte> Low(Vector256<byte> bytes) => bytes & Vector256.Create((byte)15);

    /// <summary>Returns the upper four bits of each byte.</summary>
    [MethodImpl(Inline)]
    public static Vector256<byte> High(Vector256<byte> bytes) => Low((bytes.AsUInt16() >> 4).AsByte());

    /// <summary>Returns the bits of a mask in each byte, shifted to the left.</summary>
    [MethodImpl(Inline)]
    public static Vector256<byte> Left(Vector256<byte> bytes, int shift, byte mask) =>
        (bytes.AsUInt16() << shift).AsByte() & Vector256.Create(mask);

    /// <summary>Returns the bits of a mask in each byte, shifted to the right.</summary>
    [MethodImpl(Inline)]
    public static Vector256<byte> Right(Vector256<byte> bytes, int shift, byte mask) =>
        (bytes.AsUInt16() >>> shift).AsByte() & Vector256.Create(mask);

    /// <summary>
    /// Returns the scales and minimums of Q4_K and Q5_K: d, the minimums' scale, and 8 scales and minimums of 6 bits.
    /// </summary>
    [MethodImpl(Inline)]
    public static void SixBitScales(byte* block, out Vector256<float> scales, out Vector256<float> minimums)
    {
        // 32-bit lanes: d and the minimums' scale; scales 0 to 3; minimums 0 to 3; the lower four bits of the others.
        // The upper two bits of each byte of the scales and minimums 0 to 3 are those of 4 to 7.
        Vector128<byte> all = Vector128.Load(block);
        Vector128<byte> first = all & Vector128.Create((byte)0x3F);
        Vector128<uint> rest = Avx2.ShiftRightLogicalVariable(
            Vector128.Shuffle(all.AsUInt32(), Vector128.Create(3u, 3, 3, 3)), Vector128.Create(0u, 0, 4, 0));
        Vector128<byte> second = (rest.AsByte() & Vector128.Create((byte)0x0F))
            | ((all.AsUInt16() >>> 2).AsByte() & Vector128.Create((byte)0x30));
        Vector128<byte> eightScales = Sse2.ShiftRightLogical128BitLane(
                Sse2.UnpackLow(first.AsInt32(), second.AsInt32()).AsByte(), 8),
            eightMinimums = Sse2.UnpackHigh(first.AsInt32(), second.AsInt32()).AsByte();
        Vector128<float> factors = BlockScales.Finite(Sse41.ConvertToVector128Int32(all.AsInt16()));
        scales = Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(eightScales))
            * Avx2.BroadcastScalarToVector256(factors);
        minimums = Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(eightMinimums))
            * Avx2.BroadcastScalarToVector256(Vector128.Shuffle(factors, Vector128.Create(1, 1, 1, 1)));
    }
}

/// <summary>Blocks of 4-bit weights, in groups of 32 with a minimum.</summary>
internal readonly unsafe struct Q4KBlock : IGroupedBlock
{
    public static int Bytes { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 144; }

    public static bool HasHalves { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => false; }

    public static bool IsSigned { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => false; }

    public static int MostSums { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 8; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, out Vector256<float> scales, out Vector256<float> upperScales,
        out Vector256<float> minimums, out Vector256<float> upperMinimums)
    {
        LargeBlocks.SixBitScales(block, out scales, out minimums);
        upperScales = upperMinimums = default;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Codes(byte* block, int half, out Vector256<byte> a, out Vector256<byte> b,
        out Vector256<byte> c, out Vector256<byte> d)
    {
        Vector256<byte> first = Vector256.Load(block + 16 + 64 * half), second = Vector256.Load(block + 48 + 64 * half);
        a = LargeBlocks.Low(first);
        b = LargeBlocks.High(first);
        c = LargeBlocks.Low(second);
        d = LargeBlocks.High(second);
    }
}

/// <summary>Blocks of 5-bit weights, in groups of 32 with a minimum.</summary>
internal readonly unsafe struct Q5KBlock : IGroupedBlock
{
    public static int Bytes { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 176; }

    public static bool HasHalves { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => false; }

    public static bool IsSigned { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => false; }

    public static int MostSums { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 4; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, out Vector256<float> scales, out Vector256<float> upperScales,
        out Vector256<float> minimums, out Vector256<float> upperMinimums)
    {
        LargeBlocks.SixBitScales(block, out scales, out minimums);
        upperScales = upperMinimums = default;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Codes(byte* block, int half, out Vector256<byte> a, out Vector256<byte> b,
        out Vector256<byte> c, out Vector256<byte> d)
    {
        Vector256<byte> first = Vector256.Load(block + 48 + 64 * half), second = Vector256.Load(block + 80 + 64 * half);
        // the fifth bits of the groups of this half: bits 0 to 3 of each byte
        Vector256<byte> fifth = (Vector256.Load(block + 16).AsUInt16() >>> (4 * half)).AsByte();
        a = LargeBlocks.Low(first) | LargeBlocks.Left(fifth, 4, 16);
        b = LargeBlocks.High(first) | LargeBlocks.Left(fifth, 3, 16);
        c = LargeBlocks.Low(second) | LargeBlocks.Left(fifth, 2, 16);
        d = LargeBlocks.High(second) | LargeBlocks.Left(fifth, 1, 16);
    }
}

/// <summary>Blocks of 6-bit weights, in groups of 16.</summary>
internal readonly unsafe struct Q6KBlock : IGroupedBlock
{
    public static int Bytes { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 210; }

    public static bool HasHalves { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => true; }

    public static bool IsSigned { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => false; }

    public static int MostSums { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 2; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, out Vector256<float> scales, out Vector256<float> upperScales,
        out Vector256<float> minimums, out Vector256<float> upperMinimums)
    {
        Vector256<float> factor = Vector256.Create(BlockScales.Finite(block + 208));
        scales = Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32((sbyte*)block + 192)) * factor;
        upperScales = Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32((sbyte*)block + 200)) * factor;
        minimums = scales * Vector256.Create(32f);
        upperMinimums = upperScales * Vector256.Create(32f);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Codes(byte* block, int half, out Vector256<byte> a, out Vector256<byte> b,
        out Vector256<byte> c, out Vector256<byte> d)
    {
        Vector256<byte> first = Vector256.Load(block + 64 * half), second = Vector256.Load(block + 32 + 64 * half),
            upper = Vector256.Load(block + 128 + 32 * half);
        a = LargeBlocks.Low(first) | LargeBlocks.Left(upper, 4, 0x30);
        b = LargeBlocks.Low(second) | LargeBlocks.Left(upper, 2, 0x30);
        c = LargeBlocks.High(first) | (upper & Vector256.Create((byte)0x30));
        d = LargeBlocks.High(second) | LargeBlocks.Right(upper, 2, 0x30);
    }
}

/// <summary>Blocks of 2-bit weights, in groups of 16 with a minimum.</summary>
internal readonly unsafe struct Q2KBlock : IGroupedBlock
{
    public static int Bytes { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 84; }

    public static bool HasHalves { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => true; }

    public static bool IsSigned { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => false; }

    public static int MostSums { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 8; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, out Vector256<float> scales, out Vector256<float> upperScales,
        out Vector256<float> minimums, out Vector256<float> upperMinimums)
    {
        const ulong fourBits = 0x0F0F0F0F0F0F0F0F;
        (ulong lower, ulong upper) = (*(ulong*)block, *(ulong*)(block + 8));
        (float d, float dMin) = (BlockScales.Finite(block + 80), BlockScales.Finite(block + 82));
        scales = LargeBlocks.Times(lower & fourBits, d);
        upperScales = LargeBlocks.Times(upper & fourBits, d);
        minimums = LargeBlocks.Times((lower >> 4) & fourBits, dMin);
        upperMinimums = LargeBlocks.Times((upper >> 4) & fourBits, dMin);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Codes(byte* block, int half, out Vector256<byte> a, out Vector256<byte> b,
        out Vector256<byte> c, out Vector256<byte> d)
    {
        Vector256<byte> all = Vector256.Load(block + 16 + 32 * half);
        a = all & Vector256.Create((byte)3);
        b = LargeBlocks.Right(all, 2, 3);
        c = LargeBlocks.Right(all, 4, 3);
        d = LargeBlocks.Right(all, 6, 3);
    }
}

/// <summary>Blocks of 3-bit weights, in groups of 16.</summary>
internal readonly unsafe struct Q3KBlock : IGroupedBlock
{
    public static int Bytes { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 110; }

    public static bool HasHalves { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => true; }

    public static bool IsSigned { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => false; }

    public static int MostSums { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 8; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, out Vector256<float> scales, out Vector256<float> upperScales,
        out Vector256<float> minimums, out Vector256<float> upperMinimums)
    {
        const ulong fourBits = 0x0F0F0F0F0F0F0F0F;
        ulong lower = *(ulong*)(block + 96), upper = *(uint*)(block + 104);
        scales = Signed((lower & fourBits) | Upper(upper), block);
        upperScales = Signed(((lower >> 4) & fourBits) | Upper(upper >> 4), block);
        minimums = scales * Vector256.Create(4f);
        upperMinimums = upperScales * Vector256.Create(4f);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Codes(byte* block, int half, out Vector256<byte> a, out Vector256<byte> b,
        out Vector256<byte> c, out Vector256<byte> d)
    {
        Vector256<byte> all = Vector256.Load(block + 32 + 32 * half);
        // the third bits of the groups of this half: bits 0 to 3 of each byte
        Vector256<byte> third = (Vector256.Load(block).AsUInt16() >>> (4 * half)).AsByte();
        a = (all & Vector256.Create((byte)3)) | LargeBlocks.Left(third, 2, 4);
        b = LargeBlocks.Right(all, 2, 3) | LargeBlocks.Left(third, 1, 4);
        c = LargeBlocks.Right(all, 4, 3) | (third & Vector256.Create((byte)4));
        d = LargeBlocks.Right(all, 6, 3) | LargeBlocks.Right(third, 1, 4);
    }

    /// <summary>
    /// Returns the upper two bits of eight scales: the lowest pairs of four bytes, then the next pairs.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Upper(ulong bits) => ((bits & 0x03030303) << 4) | ((bits & 0x0C0C0C0C) << 34);

    /// <summary>Returns eight scales, from which 32 is subtracted, times that of the block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Signed(ulong bytes, byte* block)
    {
        Vector256<int> whole = Avx2.ConvertToVector256Int32(Vector128.CreateScalarUnsafe(bytes).AsByte())
            - Vector256.Create(32);
        return Vector256.ConvertToSingle(whole) * Vector256.Create(BlockScales.Finite(block + 108));
    }
}
