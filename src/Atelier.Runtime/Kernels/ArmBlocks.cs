using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;

namespace Atelier.Kernels;

/// <summary>
/// Products of blocked weights for Arm: a block of 32 is in two 128-bit registers and uses the dot product instruction
/// for bytes.
/// </summary>
internal readonly unsafe struct ArmBlocks : IBlockProducts
{
    private const MethodImplOptions Hot = MethodImplOptions.AggressiveOptimization;

    public static void MultiplyQ8(in ProductRows w, in ByteVectors x, int vectors, float* y, long yStride)
    {
        int blocks = w.Columns / WeightTypes.BlockSize;
        for (int row = 0; row < w.Rows; row++)
        {
            for (int t = 0; t < vectors; t++)
                y[t * yStride + row] =
                    Q8(w.Data + row * w.RowBytes, blocks, x.Values + (long)t * w.Columns, x.Scales + (long)t * blocks);
        }
    }

    public static void MultiplyQ4(in ProductRows w, in ByteVectors x, int vectors, float* y, long yStride)
    {
        int blocks = w.Columns / WeightTypes.BlockSize;
        for (int row = 0; row < w.Rows; row++)
        {
            for (int t = 0; t < vectors; t++)
                y[t * yStride + row] =
                    Q4(w.Data + row * w.RowBytes, blocks, x.Values + (long)t * w.Columns, x.Scales + (long)t * blocks);
        }
    }

    public static bool MultipliesGroups => false;

    public static void MultiplyGroups(in ProductRows w, in ByteVectors x, int vectors, float* y, long yStride,
        bool asAlone) => PlainBlocks.MultiplyGroups(w, x, vectors, y, yStride, asAlone);

    [MethodImpl(Hot)]
    private static float Q8(byte* w, int blocks, sbyte* values, float* scales)
    {
        Vector128<float> sum = default;
        for (int b = 0; b < blocks; b++, w += WeightTypes.Q8BlockBytes, values += WeightTypes.BlockSize)
        {
            Vector128<int> dot =
                Dp.DotProduct(Vector128<int>.Zero, Vector128.Load((sbyte*)w + 2), Vector128.Load(values));
            dot = Dp.DotProduct(dot, Vector128.Load((sbyte*)w + 18), Vector128.Load(values + 16));
            sum = AdvSimd.FusedMultiplyAdd(sum, Vector128.ConvertToSingle(dot), Vector128.Create(Scale(w) * scales[b]));
        }
        return Vector128.Sum(sum);
    }

    [MethodImpl(Hot)]
    private static float Q4(byte* w, int blocks, sbyte* values, float* scales)
    {
        Vector128<float> sum = default;
        for (int b = 0; b < blocks; b++, w += WeightTypes.Q4BlockBytes, values += WeightTypes.BlockSize)
        {
            Vector128<byte> both = Vector128.Load(w + 2);
            Vector128<sbyte> low = (both & Vector128.Create((byte)15)).AsSByte() - Vector128.Create((sbyte)8);
            Vector128<sbyte> high = AdvSimd.ShiftRightLogical(both, 4).AsSByte() - Vector128.Create((sbyte)8);
            Vector128<int> dot = Dp.DotProduct(Dp.DotProduct(Vector128<int>.Zero, low, Vector128.Load(values)), high,
                Vector128.Load(values + 16));
            sum = AdvSimd.FusedMultiplyAdd(sum, Vector128.ConvertToSingle(dot), Vector128.Create(Scale(w) * scales[b]));
        }
        return Vector128.Sum(sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Scale(byte* block) => (float)BitConverter.UInt16BitsToHalf(*(ushort*)block);
}
