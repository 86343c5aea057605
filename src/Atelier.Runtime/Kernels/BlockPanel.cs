using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Atelier.Kernels;

/// <summary>
/// A panel of rows of blocked weights, transposed so that a register holds four weights of each of eight rows. Four
/// values of a vector, broadcast to all lanes, then give sums for eight rows at once, and the rows are unpacked only
/// once for all vectors. A panel is two registers wide: sixteen rows, or eight whose weights take two planes. Four
/// vectors at a time make eight independent sums, as many as hide the latency of a dot product.
/// </summary>
internal static unsafe class BlockPanel<TDot, TBlock>
    where TDot : struct, IByteDot
    where TBlock : struct, IBlock
{
    /// <summary>Number of vectors that are multiplied at a time.</summary>
    public const int Vectors = 4;

    private const int Lanes = 8; // rows of a register
    private const int Widest = 2 * Lanes; // rows of a panel
    private const int BlocksAtOnce = 64; // 2,048 columns, at most 32 KiB: fits into the L1 cache
    private const int RegistersBytes = 256; // of 32 weights of eight rows
    private const int PanelBytes = 2 * RegistersBytes;
    private const int Line = 64;

    /// <summary>Number of rows of a panel.</summary>
    public static int Rows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => IsSplit ? Lanes : Widest;
    }

    /// <summary>Whether the second register holds the second plane instead of further rows.</summary>
    private static bool IsSplit
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TBlock.Planes == 2;
    }

    /// <summary>Multiplies the rows of a panel with vectors.</summary>
    /// <param name="w">The rows.</param>
    /// <param name="row">The first row of the panel.</param>
    /// <param name="x">The vectors.</param>
    /// <param name="vectors">Number of vectors, a multiple of 4.</param>
    /// <param name="y">The result of the first row with the first vector.</param>
    /// <param name="yStride">Number of elements from the results of one vector to those of the next.</param>
    [SkipLocalsInit]
    public static void Multiply(in ProductRows w, int row, in ByteVectors x, int vectors, float* y, long yStride)
    {
        byte* panel = stackalloc byte[BlocksAtOnce * PanelBytes];
        float* scales = stackalloc float[BlocksAtOnce * Widest];
        int blocks = w.Columns / WeightTypes.BlockSize;
        for (int first = 0; first < blocks; first += BlocksAtOnce)
        {
            int count = Math.Min(BlocksAtOnce, blocks - first);
            Pack(w.Data + row * w.RowBytes + first * TBlock.Bytes, w.RowBytes, count, panel, scales);
            // The rows of the next panel follow one another: the first four vectors fetch them, while they multiply.
            byte* next = w.Data + (row + Rows) * w.RowBytes + (long)first * Rows * TBlock.Bytes;
            for (int t = 0; t < vectors; t += Vectors)
                Four(panel, scales, first, count, x.At(t, w.Columns), blocks, y + t * yStride, yStride,
                    t == 0 ? next : null);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Pack(byte* from, long rowBytes, int blocks, byte* panel, float* scales)
    {
        for (int b = 0; b < blocks; b++, from += TBlock.Bytes, panel += PanelBytes, scales += Rows)
        {
            TBlock.Pack(from, rowBytes, panel);
            BlockScales.Eight(from, rowBytes).Store(scales);
            if (IsSplit)
                continue;
            TBlock.Pack(from + Lanes * rowBytes, rowBytes, panel + RegistersBytes);
            BlockScales.Eight(from + Lanes * rowBytes, rowBytes).Store(scales + Lanes);
        }
    }

    /// <summary>
    /// Multiplies blocks of the panel with four vectors. The first blocks set the results; later ones are added.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Four(byte* panel, float* scales, int first, int count, in ByteVectors x, int blocks, float* y,
        long yStride, byte* next)
    {
        float* y1 = y + yStride, y2 = y1 + yStride, y3 = y2 + yStride;
        Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default;
        Vector256<float> b0 = default, b1 = default, b2 = default, b3 = default;
        if (first > 0)
        {
            (a0, a1, a2, a3) = (Vector256.Load(y), Vector256.Load(y1), Vector256.Load(y2), Vector256.Load(y3));
            if (!IsSplit)
                (b0, b1, b2, b3) = (Vector256.Load(y + Lanes), Vector256.Load(y1 + Lanes), Vector256.Load(y2 + Lanes),
                    Vector256.Load(y3 + Lanes));
        }
        int* v = (int*)x.Values + first * 8, v1 = v + blocks * 8, v2 = v1 + blocks * 8, v3 = v2 + blocks * 8;
        float* s = x.Scales + first;
        int* sums = x.Sums + first;
        for (int b = 0; b < count; b++, v += 8, v1 += 8, v2 += 8, v3 += 8, s++, sums++, panel += PanelBytes,
            scales += Rows)
        {
            if (next is not null)
            {
                for (int line = 0; line < Rows * TBlock.Bytes; line += Line)
                    Sse.Prefetch1(next + line);
                next += Rows * TBlock.Bytes;
            }
            Vector256<int> d0 = default, d1 = default, d2 = default, d3 = default;
            Vector256<int> e0 = default, e1 = default, e2 = default, e3 = default;
            for (int four = 0; four < 8; four++)
            {
                Vector256<byte> d = Vector256.Load(panel + 32 * four),
                    e = Vector256.Load(panel + RegistersBytes + 32 * four);
                Vector256<sbyte> values = Vector256.Create(v[four]).AsSByte();
                d0 = TDot.Add(d0, d, values);
                e0 = TDot.Add(e0, e, values);
                values = Vector256.Create(v1[four]).AsSByte();
                d1 = TDot.Add(d1, d, values);
                e1 = TDot.Add(e1, e, values);
                values = Vector256.Create(v2[four]).AsSByte();
                d2 = TDot.Add(d2, d, values);
                e2 = TDot.Add(e2, e, values);
                values = Vector256.Create(v3[four]).AsSByte();
                d3 = TDot.Add(d3, d, values);
                e3 = TDot.Add(e3, e, values);
            }
            Add(d0, e0, sums[0], s[0], scales, ref a0, ref b0);
            Add(d1, e1, sums[blocks], s[blocks], scales, ref a1, ref b1);
            Add(d2, e2, sums[2 * blocks], s[2 * blocks], scales, ref a2, ref b2);
            Add(d3, e3, sums[3 * blocks], s[3 * blocks], scales, ref a3, ref b3);
        }
        Store(a0, b0, y);
        Store(a1, b1, y1);
        Store(a2, b2, y2);
        Store(a3, b3, y3);
    }

    /// <summary>Adds the sums over a block, scaled and corrected for the offset of the weights.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(Vector256<int> d, Vector256<int> e, int sum, float scale, float* scales,
        ref Vector256<float> a, ref Vector256<float> b)
    {
        Vector256<int> offset = Vector256.Create(sum) << BitOperations.Log2((uint)TBlock.PanelOffset);
        Vector256<float> factor = Vector256.Create(scale);
        d = TDot.Total(d) - offset;
        if (IsSplit)
            d += TDot.Total(e) << 4;
        a = Fma.MultiplyAdd(Vector256.ConvertToSingle(d), Vector256.Load(scales) * factor, a);
        if (!IsSplit)
            b = Fma.MultiplyAdd(Vector256.ConvertToSingle(TDot.Total(e) - offset),
                Vector256.Load(scales + Lanes) * factor, b);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector256<float> a, Vector256<float> b, float* y)
    {
        a.Store(y);
        if (!IsSplit)
            b.Store(y + Lanes);
    }
}
