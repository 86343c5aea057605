using System.Runtime.CompilerServices;

namespace Atelier.Kernels;

/// <summary>
/// Products of unquantised weights with vectors in single precision. With several vectors, four rows are multiplied
/// with four vectors at a time, so that loaded values are used four times. This sums in another order than for a single
/// vector. Where results must not depend on the other vectors, two rows are multiplied with two vectors in the order of
/// a single vector.
/// </summary>
internal static unsafe class FloatProducts<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    private const MethodImplOptions Hot = MethodImplOptions.AggressiveOptimization;

    /// <summary>Computes y[t, r] = Σ W[r, c] x[t, c].</summary>
    public static void Multiply<TElement>(in ProductRows w, float* x, int vectors, float* y, long yStride, bool asAlone)
        where TElement : struct, IElement
    {
        if (asAlone)
        {
            MultiplyAsAlone<TElement>(w, x, vectors, y, yStride);
            return;
        }
        int row = 0;
        for (; row + 4 <= w.Rows && vectors >= 4; row += 4)
        {
            byte* at = w.Data + row * w.RowBytes;
            for (int t = 0; t + 4 <= vectors; t += 4)
                FourByFour<TElement>(at, w.RowBytes, w.Columns, x + (long)t * w.Columns, y + t * yStride + row,
                    yStride);
        }
        int inFours = row;
        for (row = 0; row < w.Rows; row++)
        {
            for (int t = row < inFours ? vectors & ~3 : 0; t < vectors; t++)
                y[t * yStride + row] = One<TElement>(w.Data + row * w.RowBytes, w.Columns, x + (long)t * w.Columns);
        }
    }

    private static void MultiplyAsAlone<TElement>(in ProductRows w, float* x, int vectors, float* y, long yStride)
        where TElement : struct, IElement
    {
        int inTwos = vectors & ~1;
        for (int row = 0; row < w.Rows; row += 2)
        {
            byte* at = w.Data + row * w.RowBytes;
            bool hasSecond = row + 1 < w.Rows;
            for (int t = 0; t < inTwos && hasSecond; t += 2)
                TwoByTwo<TElement>(at, w.RowBytes, w.Columns, x + (long)t * w.Columns, y + t * yStride + row, yStride);
            for (int t = hasSecond ? inTwos : 0; t < vectors; t++)
            {
                y[t * yStride + row] = One<TElement>(at, w.Columns, x + (long)t * w.Columns);
                if (hasSecond)
                    y[t * yStride + row + 1] = One<TElement>(at + w.RowBytes, w.Columns, x + (long)t * w.Columns);
            }
        }
    }

    /// <summary>Multiplies two rows with two vectors; each result is bit for bit that of <see cref="One"/>.</summary>
    [MethodImpl(Hot)]
    private static void TwoByTwo<TElement>(byte* w, long rowBytes, int columns, float* x, float* y, long yStride)
        where TElement : struct, IElement
    {
        byte* w1 = w + rowBytes;
        float* x1 = x + columns;
        TVector zero = TLanes.Broadcast(0);
        TVector a0 = zero, a1 = zero, a2 = zero, a3 = zero, b0 = zero, b1 = zero, b2 = zero, b3 = zero; // first row
        TVector c0 = zero, c1 = zero, c2 = zero, c3 = zero, d0 = zero, d1 = zero, d2 = zero, d3 = zero; // second row
        int c = 0, lanes = TLanes.Count;
        for (; c + 4 * lanes <= columns; c += 4 * lanes)
        {
            AddTwoByTwo<TElement>(w, w1, x, x1, c, ref a0, ref b0, ref c0, ref d0);
            AddTwoByTwo<TElement>(w, w1, x, x1, c + lanes, ref a1, ref b1, ref c1, ref d1);
            AddTwoByTwo<TElement>(w, w1, x, x1, c + 2 * lanes, ref a2, ref b2, ref c2, ref d2);
            AddTwoByTwo<TElement>(w, w1, x, x1, c + 3 * lanes, ref a3, ref b3, ref c3, ref d3);
        }
        for (; c + lanes <= columns; c += lanes)
            AddTwoByTwo<TElement>(w, w1, x, x1, c, ref a0, ref b0, ref c0, ref d0);
        (float first, float second) = (Total(a0, a1, a2, a3), Total(b0, b1, b2, b3));
        (float below, float last) = (Total(c0, c1, c2, c3), Total(d0, d1, d2, d3));
        for (; c < columns; c++)
        {
            float upper = TElement.Load<PlainLanes, float>(w + (long)c * TElement.Size);
            float lower = TElement.Load<PlainLanes, float>(w1 + (long)c * TElement.Size);
            first += upper * x[c];
            second += upper * x1[c];
            below += lower * x[c];
            last += lower * x1[c];
        }
        (y[0], y[yStride], y[1], y[yStride + 1]) = (first, second, below, last);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddTwoByTwo<TElement>(
        byte* w, byte* w1, float* x, float* x1, int column, ref TVector a, ref TVector b, ref TVector c, ref TVector d)
        where TElement : struct, IElement
    {
        long at = (long)column * TElement.Size;
        TVector upper = TElement.Load<TLanes, TVector>(w + at), lower = TElement.Load<TLanes, TVector>(w1 + at);
        TVector first = TLanes.Load(x + column), second = TLanes.Load(x1 + column);
        a = TLanes.MultiplyAdd(upper, first, a);
        b = TLanes.MultiplyAdd(upper, second, b);
        c = TLanes.MultiplyAdd(lower, first, c);
        d = TLanes.MultiplyAdd(lower, second, d);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Total(TVector a, TVector b, TVector c, TVector d) =>
        TLanes.Sum(TLanes.Add(TLanes.Add(a, b), TLanes.Add(c, d)));

    [MethodImpl(Hot)]
    private static void FourByFour<TElement>(byte* w, long rowBytes, int columns, float* x, float* y, long yStride)
        where TElement : struct, IElement
    {
        byte* w1 = w + rowBytes, w2 = w1 + rowBytes, w3 = w2 + rowBytes;
        float* x1 = x + columns, x2 = x1 + columns, x3 = x2 + columns;
        TVector zero = TLanes.Broadcast(0);
        TVector a00 = zero, a01 = zero, a02 = zero, a03 = zero, a10 = zero, a11 = zero, a12 = zero, a13 = zero;
        TVector a20 = zero, a21 = zero, a22 = zero, a23 = zero, a30 = zero, a31 = zero, a32 = zero, a33 = zero;
        int c = 0;
        for (; c + TLanes.Count <= columns; c += TLanes.Count)
        {
            long at = (long)c * TElement.Size;
            TVector b0 = TLanes.Load(x + c), b1 = TLanes.Load(x1 + c), b2 = TLanes.Load(x2 + c),
                b3 = TLanes.Load(x3 + c);
            TVector r = TElement.Load<TLanes, TVector>(w + at);
            a00 = TLanes.MultiplyAdd(r, b0, a00);
            a01 = TLanes.MultiplyAdd(r, b1, a01);
            a02 = TLanes.MultiplyAdd(r, b2, a02);
            a03 = TLanes.MultiplyAdd(r, b3, a03);
            r = TElement.Load<TLanes, TVector>(w1 + at);
            a10 = TLanes.MultiplyAdd(r, b0, a10);
            a11 = TLanes.MultiplyAdd(r, b1, a11);
            a12 = TLanes.MultiplyAdd(r, b2, a12);
            a13 = TLanes.MultiplyAdd(r, b3, a13);
            r = TElement.Load<TLanes, TVector>(w2 + at);
            a20 = TLanes.MultiplyAdd(r, b0, a20);
            a21 = TLanes.MultiplyAdd(r, b1, a21);
            a22 = TLanes.MultiplyAdd(r, b2, a22);
            a23 = TLanes.MultiplyAdd(r, b3, a23);
            r = TElement.Load<TLanes, TVector>(w3 + at);
            a30 = TLanes.MultiplyAdd(r, b0, a30);
            a31 = TLanes.MultiplyAdd(r, b1, a31);
            a32 = TLanes.MultiplyAdd(r, b2, a32);
            a33 = TLanes.MultiplyAdd(r, b3, a33);
        }
        StoreSums(a00, a10, a20, a30, y);
        StoreSums(a01, a11, a21, a31, y + yStride);
        StoreSums(a02, a12, a22, a32, y + 2 * yStride);
        StoreSums(a03, a13, a23, a33, y + 3 * yStride);
        for (; c < columns; c++)
        {
            for (int r = 0; r < 4; r++)
            {
                float weight = TElement.Load<PlainLanes, float>(w + r * rowBytes + (long)c * TElement.Size);
                for (int t = 0; t < 4; t++)
                    y[t * yStride + r] += weight * x[t * columns + c];
            }
        }
    }

    // One row is one stream of memory, which the processor prefetches by itself. This is faster than several rows at
    // once.
    [MethodImpl(Hot)]
    private static float One<TElement>(byte* w, int columns, float* x)
        where TElement : struct, IElement
    {
        TVector a0 = TLanes.Broadcast(0), a1 = a0, a2 = a0, a3 = a0;
        int c = 0, step = TLanes.Count * TElement.Size;
        for (; c + 4 * TLanes.Count <= columns; c += 4 * TLanes.Count, w += 4 * step)
        {
            a0 = TLanes.MultiplyAdd(TElement.Load<TLanes, TVector>(w), TLanes.Load(x + c), a0);
            a1 = TLanes.MultiplyAdd(TElement.Load<TLanes, TVector>(w + step), TLanes.Load(x + c + TLanes.Count), a1);
            a2 = TLanes.MultiplyAdd(TElement.Load<TLanes, TVector>(w + 2 * step), TLanes.Load(x + c + 2 * TLanes.Count),
                a2);
            a3 = TLanes.MultiplyAdd(TElement.Load<TLanes, TVector>(w + 3 * step), TLanes.Load(x + c + 3 * TLanes.Count),
                a3);
        }
        for (; c + TLanes.Count <= columns; c += TLanes.Count, w += step)
            a0 = TLanes.MultiplyAdd(TElement.Load<TLanes, TVector>(w), TLanes.Load(x + c), a0);
        float total = Total(a0, a1, a2, a3);
        for (; c < columns; c++, w += TElement.Size)
            total += TElement.Load<PlainLanes, float>(w) * x[c];
        return total;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreSums(TVector a, TVector b, TVector c, TVector d, float* y) =>
        (y[0], y[1], y[2], y[3]) = (TLanes.Sum(a), TLanes.Sum(b), TLanes.Sum(c), TLanes.Sum(d));
}
