using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Atelier.Kernels;

/// <summary>A number of vectors, known to the compiler.</summary>
internal interface IVectorCount
{
    static abstract int Count { get; }
}

/// <summary>
/// Products of packed weights with vectors in single precision: up to six vectors at a time with a panel that is two
/// registers high. Every sum adds its columns in order, so a result does not depend on the other vectors.
/// </summary>
internal static unsafe class PackedProducts<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    // 12 sums, two registers of weights and one of a vector's element: as many registers as AVX2 has
    private const int MostVectors = 6;
    // This part of a panel stays in the L1 cache while all vectors are multiplied with it.
    private const int PartBytes = 1 << 15;

    /// <summary>Number of rows of a panel.</summary>
    public static int PanelRows => 2 * TLanes.Count;

    /// <summary>Computes y[t, r] = b[r] + Σ W[r, c] x[t, c] for the rows of a range.</summary>
    /// <param name="w">The weights.</param>
    /// <param name="start">The first row, the first of a panel.</param>
    /// <param name="end">The row after the last one; the first of a panel, or the end of the matrix.</param>
    /// <param name="bias">The bias of row 0, or null.</param>
    /// <param name="x">The vectors, [vectors, columns].</param>
    /// <param name="vectors">Number of vectors.</param>
    /// <param name="y">The results; points to that of row 0 with the first vector.</param>
    /// <param name="yStride">Number of elements from the results of one vector to those of the next.</param>
    public static void Multiply<TElement>(in PackedRows w, int start, int end, float* bias, float* x, int vectors,
        float* y, long yStride)
        where TElement : struct, IElement
    {
        int height = PanelRows, groups = (vectors + MostVectors - 1) / MostVectors;
        int parts = (int)((w.PanelBytes + PartBytes - 1) / PartBytes);
        float* edge = stackalloc float[MostVectors * height], edgeBias = stackalloc float[height];
        for (int row = start; row < end; row += height)
        {
            int rows = Math.Min(height, end - row);
            float* rowBias = bias is null ? null : bias + row;
            if (rows < height && bias is not null)
            {
                Copy(rowBias, rows, edgeBias);
                rowBias = edgeBias;
            }
            for (int part = 0; part < parts; part++)
            {
                int first = (int)((long)w.Columns * part / parts), after = (int)((long)w.Columns * (part + 1) / parts);
                byte* panel = w.Panel(row) + (long)first * height * TElement.Size;
                for (int group = 0; group < groups; group++)
                {
                    int t = (int)((long)vectors * group / groups);
                    int count = (int)((long)vectors * (group + 1) / groups) - t;
                    float* from = x + (long)t * w.Columns + first, to = y + t * yStride + row;
                    // The first two groups fetch a half of the next part each, while they multiply with this one.
                    int half = (after - first) * TLanes.Count * TElement.Size;
                    byte* ahead = group < 2 ? panel + (2 + group) * half : null;
                    if (rows == height)
                    {
                        Some<TElement>(count, panel, ahead, after - first, rowBias, from, w.Columns, to, yStride,
                            part > 0);
                        continue;
                    }
                    for (int i = 0; i < count && part > 0; i++)
                        Copy(to + i * yStride, rows, edge + i * height);
                    Some<TElement>(count, panel, ahead, after - first, rowBias, from, w.Columns, edge, height,
                        part > 0);
                    for (int i = 0; i < count; i++)
                        Copy(edge + i * height, rows, to + i * yStride);
                }
            }
        }
    }

    private static void Copy(float* from, int count, float* to) =>
        new ReadOnlySpan<float>(from, count).CopyTo(new Span<float>(to, count));

    private static void Some<TElement>(int count, byte* panel, byte* ahead, int columns, float* bias, float* x,
        int xStride, float* y, long yStride, bool adds)
        where TElement : struct, IElement
    {
        switch (count)
        {
            case 1:
                Panel<TElement, One>(panel, ahead, columns, bias, x, xStride, y, yStride, adds);
                break;
            case 2:
                Panel<TElement, Two>(panel, ahead, columns, bias, x, xStride, y, yStride, adds);
                break;
            case 3:
                Panel<TElement, Three>(panel, ahead, columns, bias, x, xStride, y, yStride, adds);
                break;
            case 4:
                Panel<TElement, Four>(panel, ahead, columns, bias, x, xStride, y, yStride, adds);
                break;
            case 5:
                Panel<TElement, Five>(panel, ahead, columns, bias, x, xStride, y, yStride, adds);
                break;
            default:
                Panel<TElement, Six>(panel, ahead, columns, bias, x, xStride, y, yStride, adds);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Panel<TElement, TCount>(byte* w, byte* ahead, int columns, float* bias, float* x, int xStride,
        float* y, long yStride, bool adds)
        where TElement : struct, IElement
        where TCount : struct, IVectorCount
    {
        int lanes = TLanes.Count, step = lanes * TElement.Size;
        float* x1 = x + xStride, x2 = x1 + xStride, x3 = x2 + xStride, x4 = x3 + xStride, x5 = x4 + xStride;
        TVector zero = TLanes.Broadcast(0);
        TVector a0 = bias is null ? zero : TLanes.Load(bias), b0 = bias is null ? zero : TLanes.Load(bias + lanes);
        TVector a1 = a0, b1 = b0, a2 = a0, b2 = b0, a3 = a0, b3 = b0, a4 = a0, b4 = b0, a5 = a0, b5 = b0;
        if (adds)
        {
            Read(y, out a0, out b0);
            if (TCount.Count > 1)
                Read(y + yStride, out a1, out b1);
            if (TCount.Count > 2)
                Read(y + 2 * yStride, out a2, out b2);
            if (TCount.Count > 3)
                Read(y + 3 * yStride, out a3, out b3);
            if (TCount.Count > 4)
                Read(y + 4 * yStride, out a4, out b4);
            if (TCount.Count > 5)
                Read(y + 5 * yStride, out a5, out b5);
        }
        for (int c = 0; c < columns; c++, w += 2 * step)
        {
            if (Sse.IsSupported && ahead != null)
                Sse.Prefetch1(ahead + (long)c * step);
            TVector upper = TElement.Load<TLanes, TVector>(w), lower = TElement.Load<TLanes, TVector>(w + step);
            AddTo(upper, lower, x[c], ref a0, ref b0);
            if (TCount.Count > 1)
                AddTo(upper, lower, x1[c], ref a1, ref b1);
            if (TCount.Count > 2)
                AddTo(upper, lower, x2[c], ref a2, ref b2);
            if (TCount.Count > 3)
                AddTo(upper, lower, x3[c], ref a3, ref b3);
            if (TCount.Count > 4)
                AddTo(upper, lower, x4[c], ref a4, ref b4);
            if (TCount.Count > 5)
                AddTo(upper, lower, x5[c], ref a5, ref b5);
        }
        Write(a0, b0, y);
        if (TCount.Count > 1)
            Write(a1, b1, y + yStride);
        if (TCount.Count > 2)
            Write(a2, b2, y + 2 * yStride);
        if (TCount.Count > 3)
            Write(a3, b3, y + 3 * yStride);
        if (TCount.Count > 4)
            Write(a4, b4, y + 4 * yStride);
        if (TCount.Count > 5)
            Write(a5, b5, y + 5 * yStride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddTo(TVector upper, TVector lower, float value, ref TVector a, ref TVector b)
    {
        TVector all = TLanes.Broadcast(value);
        a = TLanes.MultiplyAdd(upper, all, a);
        b = TLanes.MultiplyAdd(lower, all, b);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Read(float* y, out TVector a, out TVector b) =>
        (a, b) = (TLanes.Load(y), TLanes.Load(y + TLanes.Count));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write(TVector a, TVector b, float* y)
    {
        TLanes.Store(a, y);
        TLanes.Store(b, y + TLanes.Count);
    }

    private readonly struct One : IVectorCount
    {
        public static int Count => 1;
    }

    private readonly struct Two : IVectorCount
    {
        public static int Count => 2;
    }

    private readonly struct Three : IVectorCount
    {
        public static int Count => 3;
    }

    private readonly struct Four : IVectorCount
    {
        public static int Count => 4;
    }

    private readonly struct Five : IVectorCount
    {
        public static int Count => 5;
    }

    private readonly struct Six : IVectorCount
    {
        public static int Count => 6;
    }
}
