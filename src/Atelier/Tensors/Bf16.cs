using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Atelier.Tensors;

/// <summary>
/// Conversion and arithmetic of bfloat16 numbers, sixteen at a time. A bfloat16 is the upper half of an fp32 number,
/// rounded to nearest with ties to even. Works on every processor, and is fast with AVX-512.
/// </summary>
internal static unsafe class Bf16
{
    /// <summary>The number of fp32 elements in a register.</summary>
    public const int Lanes = 16;

    /// <summary>Whether this processor has the AVX-512 instructions that kernels in bf16 need.</summary>
    public static bool IsSupported => Avx512F.IsSupported && Avx512BW.IsSupported;

    /// <summary>Loads sixteen bf16 numbers and converts them to fp32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(ushort* from) =>
        Vector512.ShiftLeft(Widened(Vector256.Load(from)), 16).AsSingle();

    /// <summary>Rounds sixteen fp32 numbers to bf16 and stores them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(ushort* to, Vector512<float> value)
    {
        Vector512<uint> bits = Vector512.ShiftRightLogical(Rounded(value), 16);
        (Avx512F.IsSupported ? Avx512F.ConvertToVector256UInt16(bits)
            : Vector256.Narrow(bits.GetLower(), bits.GetUpper())).Store(to);
    }

    /// <summary>Loads sixteen numbers as fp32.</summary>
    /// <typeparam name="T">Their type: float, or ushort for bf16.</typeparam>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadAs<T>(T* from)
        where T : unmanaged =>
        typeof(T) == typeof(ushort) ? Load((ushort*)from) : Vector512.Load((float*)from);

    /// <summary>Stores sixteen fp32 numbers.</summary>
    /// <typeparam name="T">The type in memory: float, or ushort for bf16.</typeparam>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreAs<T>(T* to, Vector512<float> value)
        where T : unmanaged
    {
        if (typeof(T) == typeof(ushort))
            Store((ushort*)to, value);
        else
            value.Store((float*)to);
    }

    /// <summary>
    /// Rounds sixteen fp32 numbers so that their upper halves are bf16; the lower halves are undefined.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Rounded(Vector512<float> value)
    {
        Vector512<uint> bits = value.AsUInt32();
        return bits + Vector512.Create(0x7FFFu) + (Vector512.ShiftRightLogical(bits, 16) & Vector512<uint>.One);
    }

    /// <summary>Rounds a number of elements up to a multiple of <see cref="Lanes"/>.</summary>
    public static int WholeRegisters(int count) => (count + Lanes - 1) / Lanes * Lanes;

    /// <summary>Converts one bf16 number to fp32.</summary>
    public static float ToSingle(ushort value) => BitConverter.UInt32BitsToSingle((uint)value << 16);

    /// <summary>Rounds one fp32 number to bf16.</summary>
    public static ushort FromSingle(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    /// <summary>Rounds an array of fp32 numbers to bf16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Round(float* from, ushort* to, long count)
    {
        long i = 0;
        for (; i + Lanes <= count; i += Lanes)
            Store(to + i, Vector512.Load(from + i));
        for (; i < count; i++)
            to[i] = FromSingle(from[i]);
    }

    /// <summary>Adds elementwise: to = x + y, where y is bf16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add(float* x, ushort* y, float* to, long count)
    {
        long i = 0;
        for (; i + Lanes <= count; i += Lanes)
            (Vector512.Load(x + i) + Load(y + i)).Store(to + i);
        for (; i < count; i++)
            to[i] = x[i] + ToSingle(y[i]);
    }

    /// <summary>Adds each row of a bf16 matrix [count, width] to sums [width] in fp32.</summary>
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
