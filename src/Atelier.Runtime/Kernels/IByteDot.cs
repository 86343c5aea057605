using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Atelier.Kernels;

/// <summary>
/// Dot products of unsigned with signed bytes in 256-bit registers, with AVX2 alone or with AVX-VNNI.
/// </summary>
internal interface IByteDot
{
    /// <summary>
    /// Whether unsigned bytes may have any value. Otherwise they are at most 15, and at most eight products may be
    /// added to a sum.
    /// </summary>
    static abstract bool TakesAnyByte { get; }

    /// <summary>Adds products to a partial sum, which starts at zero. The signed bytes are from −127 to 127.</summary>
    static abstract Vector256<int> Add(Vector256<int> sum, Vector256<byte> unsigned, Vector256<sbyte> signed);

    /// <summary>Returns the result of a partial sum: one number for each group of four bytes.</summary>
    static abstract Vector256<int> Total(Vector256<int> sum);
}

/// <summary>
/// AVX2: the partial sums have 16 bits, two for each group of four bytes, and are at most 8 · 2 · 15 · 127 = 30,480.
/// </summary>
internal readonly struct Avx2Dot : IByteDot
{
    public static bool TakesAnyByte { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => false; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> sum, Vector256<byte> unsigned, Vector256<sbyte> signed) =>
        (sum.AsInt16() + Avx2.MultiplyAddAdjacent(unsigned, signed)).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Total(Vector256<int> sum) =>
        Avx2.MultiplyAddAdjacent(sum.AsInt16(), Vector256<short>.One);
}

/// <summary>AVX-VNNI: adds four products of bytes to a 32-bit sum in one instruction.</summary>
internal readonly struct AvxVnniDot : IByteDot
{
    public static bool TakesAnyByte { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => true; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> sum, Vector256<byte> unsigned, Vector256<sbyte> signed) =>
        AvxVnni.MultiplyWideningAndAdd(sum, unsigned, signed);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Total(Vector256<int> sum) => sum;
}
