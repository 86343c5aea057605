using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Atelier.Kernels;

/// <summary>
/// A panel of eight rows of blocked weights, transposed so that a register holds four weights of each row. Four values
/// of a vector, broadcast to all lanes, then give sums for eight rows at once, and the rows are unpacked only once for
/// all vectors.
/// </summary>
internal static unsafe class BlockPanel<TDot, TBlock>
    where TDot : struct, IByteDot
    where TBlock : struct, IBlock
{
    /// <summary>Number of rows of a panel.</summary>
    public const int Rows = 8;

    /// <summary>Number of vectors that are multiplied at a time.</summary>
    public const int Vectors = 4;

    private const int BlocksAtOnce = 64; // 2,048 columns, at most 32 KiB: fits into the L1 cache
    private const int PlaneBytes = 256;

    /// <summary>Multiplies eight rows with vectors.</summary>
    /// <param name="w">The rows.</param>
    /// <param name="row">The first of the eight rows.</param>
    /// <param name="x">The vectors.</param>
    /// <param name="vectors">Number of vectors, a multiple of 4.</param>
    /// <param name="y">The result of the first row with the first vector.</param>
    /// <param name="yStride">Number of elements from the results of one vector to those of the next.</param>
    [SkipLocalsInit]
    public static void Multiply(in ProductRows w, int row, in ByteVectors x, int vectors, float* y, long yStride)
    {
        byte* panel = stackalloc byte[BlocksAtOnce * PlaneBytes * TBlock.Planes];
        float* scales = stackalloc float[BlocksAtOnce * Rows];
        int blocks = w.Columns / WeightTypes.BlockSize;
        for (int first = 0; first < blocks; first += BlocksAtOnce)
        {
            int count = Math.Min(BlocksAtOnce, blocks - first);
            Pack(w.Data + row * w.RowBytes + first * TBlock.Bytes, w.RowBytes, count, panel, scales);
            for (int t = 0; t < vectors; t += Vectors)
                Four(panel, scales, first, count, x.At(t, w.Columns), blocks, y + t * yStride, yStride);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Pack(byte* from, long rowBytes, int blocks, byte* panel, float* scales)
    {
        for (int b = 0; b < blocks; b++, from += TBlock.Bytes)
        {
            TBlock.Pack(from, rowBytes, panel + (long)b * PlaneBytes * TBlock.Planes);
            BlockScales.Eight(from, rowBytes).Store(scales + b * Rows);
        }
    }

    /// <summary>
    /// Multiplies blocks of the panel with four vectors. The first blocks set the results; later ones are added.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Four(byte* panel, float* scales, int first, int count, in ByteVectors x, int blocks, float* y,
        long yStride)
    {
        float* y1 = y + yStride, y2 = y1 + yStride, y3 = y2 + yStride;
        Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default;
        if (first > 0)
            (a0, a1, a2, a3) = (Vector256.Load(y), Vector256.Load(y1), Vector256.Load(y2), Vector256.Load(y3));
        long vectorInts = blocks * 8L;
        int* v = (int*)x.Values + first * 8;
        float* s = x.Scales + first;
        int* sums = x.Sums + first;
        for (int b = 0; b < count; b++, v += 8, s++, sums++, panel += PlaneBytes * TBlock.Planes)
        {
            Vector256<int> d0 = default, d1 = default, d2 = default, d3 = default;
            Vector256<int> e0 = default, e1 = default, e2 = default, e3 = default;
            for (int four = 0; four < 8; four++)
            {
                Vector256<sbyte> v0 = Values(v + four), v1 = Values(v + vectorInts + four),
                    v2 = Values(v + 2 * vectorInts + four), v3 = Values(v + 3 * vectorInts + four);
                Vector256<byte> low = Vector256.Load(panel + 32 * four);
                d0 = TDot.Add(d0, low, v0);
                d1 = TDot.Add(d1, low, v1);
                d2 = TDot.Add(d2, low, v2);
                d3 = TDot.Add(d3, low, v3);
                if (TBlock.Planes == 2)
                {
                    Vector256<byte> high = Vector256.Load(panel + PlaneBytes + 32 * four);
                    e0 = TDot.Add(e0, high, v0);
                    e1 = TDot.Add(e1, high, v1);
                    e2 = TDot.Add(e2, high, v2);
                    e3 = TDot.Add(e3, high, v3);
                }
            }
            Vector256<float> scale = Vector256.Load(scales + b * Rows);
            a0 = Fma.MultiplyAdd(Total(d0, e0, sums[0]), scale * Vector256.Create(s[0]), a0);
            a1 = Fma.MultiplyAdd(Total(d1, e1, sums[blocks]), scale * Vector256.Create(s[blocks]), a1);
            a2 = Fma.MultiplyAdd(Total(d2, e2, sums[2 * blocks]), scale * Vector256.Create(s[2 * blocks]), a2);
            a3 = Fma.MultiplyAdd(Total(d3, e3, sums[3 * blocks]), scale * Vector256.Create(s[3 * blocks]), a3);
        }
        a0.Store(y);
        a1.Store(y1);
        a2.Store(y2);
        a3.Store(y3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<sbyte> Values(int* four) => Vector256.Create(*four).AsSByte();

    /// <summary>Returns the sum over a block, corrected for the offset of the weights.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Total(Vector256<int> low, Vector256<int> high, int sum)
    {
        Vector256<int> total = TDot.Total(low) - Vector256.Create(sum * TBlock.PanelOffset);
        if (TBlock.Planes == 2)
            total += TDot.Total(high) << 4;
        return Vector256.ConvertToSingle(total);
    }
}
