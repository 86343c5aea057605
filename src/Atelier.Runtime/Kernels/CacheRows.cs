using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Atelier.Kernels;

/// <summary>Converts the vectors of a key-value cache to F16 or Q8_0 and back.</summary>
internal static unsafe class CacheRows
{
    /// <summary>Converts a vector to a type.</summary>
    /// <param name="type">F32, F16 or Q8_0.</param>
    /// <param name="x">The vector.</param>
    /// <param name="size">Number of elements; a multiple of 32 for Q8_0.</param>
    /// <param name="row">Filled with its bytes.</param>
    public static void Encode(WeightType type, float* x, int size, byte* row) =>
        WeightConversion.Encode(type, new ReadOnlySpan<float>(x, size), new Span<byte>(row, (int)type.RowBytes(size)));

    /// <summary>Converts vectors that follow one another to single precision.</summary>
    /// <param name="type">F16 or Q8_0.</param>
    /// <param name="rows">Their bytes.</param>
    /// <param name="count">Number of elements of all; a multiple of 32 for Q8_0.</param>
    /// <param name="to">Filled with the elements.</param>
    public static void Decode(WeightType type, byte* rows, int count, float* to)
    {
        if (Avx2.IsSupported && type == WeightType.Q8_0)
            DecodeBytes(rows, count, to);
        else if (Avx2.IsSupported && count % Vector256<float>.Count == 0)
            DecodeHalves(rows, count, to);
        else
            WeightConversion.Decode(type, new ReadOnlySpan<byte>(rows, (int)type.RowBytes(count)),
                new Span<float>(to, count));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void DecodeHalves(byte* rows, int count, float* to)
    {
        for (int i = 0; i < count; i += Vector256<float>.Count)
            BlockScales.Finite(Avx2.ConvertToVector256Int32((short*)rows + i)).Store(to + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void DecodeBytes(byte* rows, int count, float* to)
    {
        for (; count > 0; count -= WeightTypes.BlockSize, rows += WeightTypes.Q8BlockBytes, to += WeightTypes.BlockSize)
        {
            Vector256<float> scale = Vector256.Create(BlockScales.Finite(rows));
            for (int i = 0; i < WeightTypes.BlockSize; i += Vector256<float>.Count)
                (Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32((sbyte*)rows + 2 + i)) * scale).Store(to + i);
        }
    }
}
