using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Atelier.Kernels;

/// <summary>
/// Products of blocked weights for AVX2, eight rows at a time. The rows are transposed so that a 256-bit register holds
/// four weights of each row: on the fly for a single vector, in a <see cref="BlockPanel{TDot, TBlock}"/> for several.
/// </summary>
internal readonly unsafe struct Avx2Blocks<TDot> : IBlockProducts
    where TDot : struct, IByteDot
{
    private const int RowsAtOnce = 8, Line = 64;

    public static void MultiplyQ8(in ProductRows w, in ByteVectors x, int vectors, float* y, long yStride) =>
        Multiply<Q8Block<TDot>>(w, x, vectors, y, yStride);

    public static void MultiplyQ4(in ProductRows w, in ByteVectors x, int vectors, float* y, long yStride) =>
        Multiply<Q4Block<TDot>>(w, x, vectors, y, yStride);

    public static bool MultipliesGroups => true;

    public static void MultiplyGroups(in ProductRows w, in ByteVectors x, int vectors, float* y, long yStride,
        bool asAlone) => MultiplyGroups(w, x, vectors, y, yStride, asAlone, isWide: false);

    /// <summary>
    /// Computes y[t, r] = Σ W[r, c] x[t, c] for weights in groups; if <paramref name="isWide"/>, few vectors are
    /// multiplied in registers of 512 bits.
    /// </summary>
    public static void MultiplyGroups(in ProductRows w, in ByteVectors x, int vectors, float* y, long yStride,
        bool asAlone, bool isWide)
    {
        switch (w.Type)
        {
            case WeightType.Q4_1:
                GroupedProducts<TDot, Q41Blocks>.Multiply(w, x, vectors, y, yStride, asAlone, isWide);
                break;
            case WeightType.Q5_0:
                GroupedProducts<TDot, Q50Blocks>.Multiply(w, x, vectors, y, yStride, asAlone, isWide);
                break;
            case WeightType.Q5_1:
                GroupedProducts<TDot, Q51Blocks>.Multiply(w, x, vectors, y, yStride, asAlone, isWide);
                break;
            case WeightType.IQ4_NL:
                GroupedProducts<TDot, Iq4NlBlocks<TDot>>.Multiply(w, x, vectors, y, yStride, asAlone, isWide);
                break;
            case WeightType.IQ4_XS:
                GroupedProducts<TDot, Iq4XsBlock<TDot>>.Multiply(w, x, vectors, y, yStride, asAlone, isWide);
                break;
            case WeightType.Q2_K:
                GroupedProducts<TDot, Q2KBlock>.Multiply(w, x, vectors, y, yStride, asAlone, isWide);
                break;
            case WeightType.Q3_K:
                GroupedProducts<TDot, Q3KBlock>.Multiply(w, x, vectors, y, yStride, asAlone, isWide);
                break;
            case WeightType.Q4_K:
                GroupedProducts<TDot, Q4KBlock>.Multiply(w, x, vectors, y, yStride, asAlone, isWide);
                break;
            case WeightType.Q5_K:
                GroupedProducts<TDot, Q5KBlock>.Multiply(w, x, vectors, y, yStride, asAlone, isWide);
                break;
            case WeightType.Q6_K:
                GroupedProducts<TDot, Q6KBlock>.Multiply(w, x, vectors, y, yStride, asAlone, isWide);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(w), w.Type, "no such type");
        }
    }

    private static void Multiply<TBlock>(in ProductRows w, in ByteVectors x, int vectors, float* y, long yStride)
        where TBlock : struct, IBlock
    {
        int blocks = w.Columns / WeightTypes.BlockSize,
            inFours = vectors / BlockPanel<TDot, TBlock>.Vectors * BlockPanel<TDot, TBlock>.Vectors, row = 0;
        int panelRows = BlockPanel<TDot, TBlock>.Rows;
        for (; inFours > 0 && row + panelRows <= w.Rows; row += panelRows)
        {
            BlockPanel<TDot, TBlock>.Multiply(w, row, x, inFours, y + row, yStride);
            for (int eight = row; eight < row + panelRows; eight += RowsAtOnce)
                EightRows<TBlock>(w, eight, blocks, x, inFours, vectors, y, yStride);
        }
        for (; row + RowsAtOnce <= w.Rows; row += RowsAtOnce)
            EightRows<TBlock>(w, row, blocks, x, 0, vectors, y, yStride);
        for (; row < w.Rows; row++)
        {
            for (int t = 0; t < vectors; t++)
                y[t * yStride + row] = OneRow<TBlock>(w.Data + row * w.RowBytes, blocks, x.At(t, w.Columns));
        }
    }

    /// <summary>Multiplies eight rows with one vector after another.</summary>
    private static void EightRows<TBlock>(in ProductRows w, int row, int blocks, in ByteVectors x, int from, int to,
        float* y, long yStride)
        where TBlock : struct, IBlock
    {
        for (int t = from; t < to; t++)
            EightRows<TBlock>(w.Data + row * w.RowBytes, w.RowBytes, blocks, x.At(t, w.Columns),
                y + t * yStride + row);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void EightRows<TBlock>(byte* w, long rowBytes, int blocks, in ByteVectors x, float* y)
        where TBlock : struct, IBlock
    {
        int* v = (int*)x.Values, sums = x.Sums;
        float* scales = x.Scales;
        byte* next = w + RowsAtOnce * rowBytes;
        Vector256<float> sum = default;
        for (int b = 0; b < blocks; b++, w += TBlock.Bytes, next += RowsAtOnce * TBlock.Bytes)
        {
            // Prefetch the next eight rows explicitly: eight streams are more than the processor's own prefetcher
            // follows.
            Sse.Prefetch0(next);
            Sse.Prefetch0(next + Line);
            Sse.Prefetch0(next + 2 * Line);
            if (RowsAtOnce * TBlock.Bytes > 3 * Line)
            {
                Sse.Prefetch0(next + 3 * Line);
                Sse.Prefetch0(next + 4 * Line);
            }
            Vector256<int> dot = TBlock.EightRows(w, rowBytes, v + 8 * b);
            if (TBlock.Offset != 0)
                dot -= Vector256.Create(sums[b] * TBlock.Offset);
            sum = Fma.MultiplyAdd(Vector256.ConvertToSingle(dot),
                BlockScales.Eight(w, rowBytes) * Vector256.Create(scales[b]), sum);
        }
        sum.Store(y);
    }

    private static float OneRow<TBlock>(byte* w, int blocks, in ByteVectors x)
        where TBlock : struct, IBlock
    {
        float sum = 0;
        for (int b = 0; b < blocks; b++, w += TBlock.Bytes)
        {
            int dot = TBlock.OneRow(w, x.Values + b * WeightTypes.BlockSize) - x.Sums[b] * TBlock.Offset;
            sum += dot * BlockScales.One(w) * x.Scales[b];
        }
        return sum;
    }
}
