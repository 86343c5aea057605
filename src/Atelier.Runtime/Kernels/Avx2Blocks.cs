using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Atelier.Kernels;

/// <summary>
/// Blocks of 32 in registers of 256 bits. A single vector goes through the rows as they lie; for several, eight rows at a time
/// are turned into a <see cref="BlockPanel{TDot, TBlock}"/> first.
/// </summary>
internal readonly unsafe struct Avx2Blocks<TDot> : IBlockProducts
    where TDot : struct, IByteDot
{
    private const MethodImplOptions Hot = MethodImplOptions.AggressiveOptimization;

    public static void MultiplyQ8(in ProductRows w, in ByteVectors x, int vectors, float* y, long yStride) =>
        Multiply<Q8Block<TDot>>(w, x, vectors, y, yStride);

    public static void MultiplyQ4(in ProductRows w, in ByteVectors x, int vectors, float* y, long yStride) =>
        Multiply<Q4Block<TDot>>(w, x, vectors, y, yStride);

    private static void Multiply<TBlock>(in ProductRows w, in ByteVectors x, int vectors, float* y, long yStride)
        where TBlock : struct, IBlock
    {
        int inPanels = vectors >= BlockPanel<TDot, TBlock>.Vectors ? w.Rows / BlockPanel<TDot, TBlock>.Rows * BlockPanel<TDot, TBlock>.Rows : 0;
        for (int row = 0; row < inPanels; row += BlockPanel<TDot, TBlock>.Rows)
            BlockPanel<TDot, TBlock>.Multiply(w, row, x, vectors, y + row, yStride);
        // Scales are written together and read one by one, which is fast only within a cache line.
        byte* place = stackalloc byte[2 * 8 * sizeof(float)];
        float* scales = (float*)((nint)(place + 8 * sizeof(float) - 1) & -(8 * sizeof(float)));
        int blocks = w.Columns / WeightTypes.BlockSize;
        for (int row = 0; row < w.Rows; row++)
        {
            byte* at = w.Data + row * w.RowBytes;
            for (int t = row < inPanels ? vectors / BlockPanel<TDot, TBlock>.Vectors * BlockPanel<TDot, TBlock>.Vectors : 0; t < vectors; t++)
                y[t * yStride + row] = Row<TBlock>(at, blocks, x.At(t, w.Columns), scales);
        }
    }

    /// <summary>One row with one vector, eight blocks at a time: their scales are computed together, at the place given.</summary>
    [MethodImpl(Hot)]
    private static float Row<TBlock>(byte* w, int blocks, in ByteVectors x, float* scales)
        where TBlock : struct, IBlock
    {
        sbyte* v = x.Values;
        Vector256<float> a0 = default, a1 = default, offsets = default;
        int b = 0;
        for (; b + 8 <= blocks; b += 8)
        {
            Vector256<float> s = BlockScales.Eight(w, TBlock.Bytes) * Vector256.Load(x.Scales + b);
            if (TBlock.Offset != 0)
                offsets = Fma.MultiplyAdd(s, Vector256.ConvertToSingle(Vector256.Load(x.Sums + b)), offsets);
            s.Store(scales);
            a0 = Add<TBlock>(w, v, scales, a0);
            a1 = Add<TBlock>(w + TBlock.Bytes, v + 32, scales + 1, a1);
            a0 = Add<TBlock>(w + 2 * TBlock.Bytes, v + 64, scales + 2, a0);
            a1 = Add<TBlock>(w + 3 * TBlock.Bytes, v + 96, scales + 3, a1);
            a0 = Add<TBlock>(w + 4 * TBlock.Bytes, v + 128, scales + 4, a0);
            a1 = Add<TBlock>(w + 5 * TBlock.Bytes, v + 160, scales + 5, a1);
            a0 = Add<TBlock>(w + 6 * TBlock.Bytes, v + 192, scales + 6, a0);
            a1 = Add<TBlock>(w + 7 * TBlock.Bytes, v + 224, scales + 7, a1);
            w += 8 * TBlock.Bytes;
            v += 256;
        }
        float sum = Vector256.Sum(a0 + a1 - offsets * TBlock.Offset);
        return b == blocks ? sum : sum + Rest<TBlock>(w, blocks - b, new(v, x.Scales + b, x.Sums + b), scales);
    }

    /// <summary>Blocks one by one.</summary>
    private static float Rest<TBlock>(byte* w, int blocks, in ByteVectors x, float* scale)
        where TBlock : struct, IBlock
    {
        Vector256<float> sum = default;
        float offset = 0;
        for (int b = 0; b < blocks; b++, w += TBlock.Bytes)
        {
            *scale = BlockScales.One(w) * x.Scales[b];
            offset += *scale * x.Sums[b] * TBlock.Offset;
            sum = Add<TBlock>(w, x.Values + b * WeightTypes.BlockSize, scale, sum);
        }
        return Vector256.Sum(sum) - offset;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Add<TBlock>(byte* w, sbyte* v, float* scale, Vector256<float> sum)
        where TBlock : struct, IBlock =>
        Fma.MultiplyAdd(Vector256.ConvertToSingle(TBlock.Dot(w, Vector256.Load(v))), Avx.BroadcastScalarToVector256(scale), sum);
}
