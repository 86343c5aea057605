using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Atelier.Kernels;

/// <summary>Parts that eight blocks of 32 weights, and IQ4_XS, have in common.</summary>
internal static unsafe class SmallBlocks
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    /// <summary>Returns 32 codes of 4 bits: the low four bits of 16 bytes, then the high four bits.</summary>
    [MethodImpl(Inline)]
    public static Vector256<byte> Nibbles(byte* bits)
    {
        Vector256<uint> both = Avx2.BroadcastVector128ToVector256(bits).AsUInt32();
        return LargeBlocks.Low(
            Avx2.ShiftRightLogicalVariable(both, Vector256.Create(0u, 0, 0, 0, 4, 4, 4, 4)).AsByte());
    }

    /// <summary>Returns 16 for each of 32 bits that is set, and 0 for the others.</summary>
    [MethodImpl(Inline)]
    public static Vector256<byte> Fifth(byte* bits)
    {
        Vector256<byte> ofEach = Avx2.Shuffle(Vector256.Create(*(uint*)bits).AsByte(), Vector256.Create(
            0x0000000000000000ul, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303).AsByte());
        Vector256<byte> one = Vector256.Create(0x8040201008040201ul).AsByte();
        return Vector256.Equals(ofEach & one, one) & Vector256.Create((byte)16);
    }
}

/// <summary>Eight blocks of 4-bit weights with a minimum.</summary>
internal readonly unsafe struct Q41Blocks : IGroupedBlock
{
    private const int One = 20;

    public static int Bytes { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 8 * One; }

    public static bool HasHalves { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => false; }

    public static bool IsSigned { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => false; }

    public static int MostSums { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 8; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, out Vector256<float> scales, out Vector256<float> upperScales,
        out Vector256<float> minimums, out Vector256<float> upperMinimums)
    {
        scales = BlockScales.Eight(block, One);
        minimums = -BlockScales.Eight(block + 2, One);
        upperScales = upperMinimums = default;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Codes(byte* block, int half, out Vector256<byte> a, out Vector256<byte> b,
        out Vector256<byte> c, out Vector256<byte> d)
    {
        byte* bits = block + 4 * One * half + 4;
        a = SmallBlocks.Nibbles(bits);
        b = SmallBlocks.Nibbles(bits + One);
        c = SmallBlocks.Nibbles(bits + 2 * One);
        d = SmallBlocks.Nibbles(bits + 3 * One);
    }
}

/// <summary>Eight blocks of 5-bit weights.</summary>
internal readonly unsafe struct Q50Blocks : IGroupedBlock
{
    private const int One = 22;

    public static int Bytes { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 8 * One; }

    public static bool HasHalves { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => false; }

    public static bool IsSigned { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => false; }

    public static int MostSums { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 4; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, out Vector256<float> scales, out Vector256<float> upperScales,
        out Vector256<float> minimums, out Vector256<float> upperMinimums)
    {
        scales = BlockScales.Eight(block, One);
        minimums = scales * Vector256.Create(16f);
        upperScales = upperMinimums = default;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Codes(byte* block, int half, out Vector256<byte> a, out Vector256<byte> b,
        out Vector256<byte> c, out Vector256<byte> d)
    {
        byte* bits = block + 4 * One * half + 2;
        a = SmallBlocks.Nibbles(bits + 4) | SmallBlocks.Fifth(bits);
        b = SmallBlocks.Nibbles(bits + One + 4) | SmallBlocks.Fifth(bits + One);
        c = SmallBlocks.Nibbles(bits + 2 * One + 4) | SmallBlocks.Fifth(bits + 2 * One);
        d = SmallBlocks.Nibbles(bits + 3 * One + 4) | SmallBlocks.Fifth(bits + 3 * One);
    }
}

/// <summary>Eight blocks of 5-bit weights with a minimum.</summary>
internal readonly unsafe struct Q51Blocks : IGroupedBlock
{
    private const int One = 24;

    public static int Bytes { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 8 * One; }

    public static bool HasHalves { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => false; }

    public static bool IsSigned { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => false; }

    public static int MostSums { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 4; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, out Vector256<float> scales, out Vector256<float> upperScales,
        out Vector256<float> minimums, out Vector256<float> upperMinimums)
    {
        scales = BlockScales.Eight(block, One);
        minimums = -BlockScales.Eight(block + 2, One);
        upperScales = upperMinimums = default;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Codes(byte* block, int half, out Vector256<byte> a, out Vector256<byte> b,
        out Vector256<byte> c, out Vector256<byte> d)
    {
        byte* bits = block + 4 * One * half + 4;
        a = SmallBlocks.Nibbles(bits + 4) | SmallBlocks.Fifth(bits);
        b = SmallBlocks.Nibbles(bits + One + 4) | SmallBlocks.Fifth(bits + One);
        c = SmallBlocks.Nibbles(bits + 2 * One + 4) | SmallBlocks.Fifth(bits + 2 * One);
        d = SmallBlocks.Nibbles(bits + 3 * One + 4) | SmallBlocks.Fifth(bits + 3 * One);
    }
}

/// <summary>The unequal steps of IQ4_NL and IQ4_XS, as signed bytes or with an offset.</summary>
internal static unsafe class NonLinearSteps<TDot>
    where TDot : struct, IByteDot
{
    /// <summary>The offset of the codes.</summary>
    public static float Offset
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TDot.TakesAnyByte ? 128 : 0;
    }

    /// <summary>Returns the values of 32 codes in 16 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Load(byte* bits)
    {
        Vector128<sbyte> steps =
            Vector128.Create(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);
        Vector256<byte> values =
            Avx2.Shuffle(Vector256.Create(steps, steps).AsByte(), SmallBlocks.Nibbles(bits));
        return TDot.TakesAnyByte ? values ^ Vector256.Create((byte)0x80) : values;
    }
}

/// <summary>Eight blocks of 4-bit weights with unequal steps.</summary>
internal readonly unsafe struct Iq4NlBlocks<TDot> : IGroupedBlock
    where TDot : struct, IByteDot
{
    private const int One = 18;

    public static int Bytes { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 8 * One; }

    public static bool HasHalves { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => false; }

    public static bool IsSigned { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => !TDot.TakesAnyByte; }

    public static int MostSums { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 1; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, out Vector256<float> scales, out Vector256<float> upperScales,
        out Vector256<float> minimums, out Vector256<float> upperMinimums)
    {
        scales = BlockScales.Eight(block, One);
        minimums = scales * Vector256.Create(NonLinearSteps<TDot>.Offset);
        upperScales = upperMinimums = default;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Codes(byte* block, int half, out Vector256<byte> a, out Vector256<byte> b,
        out Vector256<byte> c, out Vector256<byte> d)
    {
        byte* bits = block + 4 * One * half + 2;
        a = NonLinearSteps<TDot>.Load(bits);
        b = NonLinearSteps<TDot>.Load(bits + One);
        c = NonLinearSteps<TDot>.Load(bits + 2 * One);
        d = NonLinearSteps<TDot>.Load(bits + 3 * One);
    }
}

/// <summary>Blocks of 256 4-bit weights with unequal steps, in groups of 32.</summary>
internal readonly unsafe struct Iq4XsBlock<TDot> : IGroupedBlock
    where TDot : struct, IByteDot
{
    public static int Bytes { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 136; }

    public static bool HasHalves { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => false; }

    public static bool IsSigned { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => !TDot.TakesAnyByte; }

    public static int MostSums { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 1; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, out Vector256<float> scales, out Vector256<float> upperScales,
        out Vector256<float> minimums, out Vector256<float> upperMinimums)
    {
        Vector256<uint> lower = Avx2.ShiftRightLogicalVariable(Vector256.Create(*(uint*)(block + 4)),
            Vector256.Create(0u, 4, 8, 12, 16, 20, 24, 28)) & Vector256.Create(15u);
        Vector256<uint> upper = Avx2.ShiftRightLogicalVariable(Vector256.Create((uint)*(ushort*)(block + 2)),
            Vector256.Create(0u, 2, 4, 6, 8, 10, 12, 14)) & Vector256.Create(3u);
        Vector256<int> whole = (lower | (upper << 4)).AsInt32() - Vector256.Create(32);
        scales = Vector256.ConvertToSingle(whole) * Vector256.Create(BlockScales.Finite(block));
        minimums = scales * Vector256.Create(NonLinearSteps<TDot>.Offset);
        upperScales = upperMinimums = default;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Codes(byte* block, int half, out Vector256<byte> a, out Vector256<byte> b,
        out Vector256<byte> c, out Vector256<byte> d)
    {
        byte* bits = block + 8 + 64 * half;
        a = NonLinearSteps<TDot>.Load(bits);
        b = NonLinearSteps<TDot>.Load(bits + 16);
        c = NonLinearSteps<TDot>.Load(bits + 32);
        d = NonLinearSteps<TDot>.Load(bits + 48);
    }
}
