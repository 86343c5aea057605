using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Atelier.Tensors;

/// <summary>
/// bfloat16, the upper half of an fp32 number, sixteen at a time; rounded to the nearest, ties to even. Works on every
/// processor, and fast with AVX-512.
/// </summary>
internal static unsafe class Bf16
{
    /// <summary>Numbers in a register.</summary>
    public const int Lanes = 16;

    /// <summary>Whether this processor has AVX-512, on which kernels in bf16 rest.</summary>
    public static bool IsSupported => Avx512F.IsSupported && Avx512BW.IsSupported;

    /// <summary>Sixteen numbers in fp32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(ushort* from) =>
        Vector512.ShiftLeft(Widened(Vector256.Load(from)), 16).AsSingle();

    /// <summary>Sixteen numbers, rounded.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(ushort* to, Vector512<float> value)
    {
        Vector512<uint> bits = Vector512.ShiftRightLogical(Rounded(value), 16);
        (Avx512F.IsSupported ? Avx512F.ConvertToVector256UInt16(bits)
            : Vector256.Narrow(bits.GetLower(), bits.GetUpper())).Store(to);
    }

    /// <summary>Sixteen numbers whose upper halves are the rounded ones; the lower halves mean nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Rounded(Vector512<float> value)
    {
        Vector512<uint> bits = value.AsUInt32();
        return bits + Vector512.Create(0x7FFFu) + (Vector512.ShiftRightLogical(bits, 16) & Vector512<uint>.One);
    }

    /// <summary>A number of numbers, rounded up to whole registers.</summary>
    public static int WholeRegisters(int count) => (count + Lanes - 1) / Lanes * Lanes;

    /// <summary>One number in fp32.</summary>
    public static float ToSingle(ushort value) => BitConverter.UInt32BitsToSingle((uint)value << 16);

    /// <summary>One number, rounded.</summary>
    public static ushort FromSingle(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    /// <summary>Rounds numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Round(float* from, ushort* to, long count)
    {
        long i = 0;
        for (; i + Lanes <= count; i += Lanes)
            Store(to + i, Vector512.Load(from + i));
        for (; i < count; i++)
            to[i] = FromSingle(from[i]);
    }

    /// <summary>to = x + y, of which y is bf16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add(float* x, ushort* y, float* to, long count)
    {
        long i = 0;
        for (; i + Lanes <= count; i += Lanes)
            (Vector512.Load(x + i) + Load(y + i)).Store(to + i);
        for (; i < count; i++)
            to[i] = x[i] + ToSingle(y[i]);
    }

    /// <summary>Adds the rows of a matrix in bf16, whose width is a multiple of sixteen, to sums in fp32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddRows(ushort* rows, int count, int width, float* sums)
    {
        for (int row = 0; row < count; row++, rows += width)
            Add(sums, rows, sums, width);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Widened(Vector256<ushort> bits) => Avx512F.IsSupported
        ? Avx512F.ConvertToVector512UInt32(bits)
        : Vector512.Create(Vector256.WidenLower(bits), Vector256.WidenUpper(bits));
}
