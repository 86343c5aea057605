using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Atelier.Kernels;

/// <summary>
/// Products of weights in groups for AVX2, 256 columns at a time as they lie in the file. Two rows are multiplied with
/// one vector, or one row, unpacked only once, with four vectors; both sum in the same order. Where the results may
/// depend on the number of vectors, many vectors are multiplied with a <see cref="GroupedPanel{TDot, TBlock}"/>.
/// </summary>
internal static unsafe class GroupedProducts<TDot, TBlock>
    where TDot : struct, IByteDot
    where TBlock : struct, IGroupedBlock
{
    private const int Columns = WeightTypes.LargeBlockSize, Vectors = 4, FewestOfPanel = 8;
    internal const int Ahead = 2048; // bytes from what is multiplied to what is fetched
    private const int Factors = FileBlocks.MostGroups; // of a row and a vector, for 256 columns
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    /// <summary>Computes y[t, r] = Σ W[r, c] x[t, c].</summary>
    public static void Multiply(in ProductRows w, in ByteVectors x, int vectors, float* y, long yStride, bool asAlone,
        bool isWide)
    {
        // Products of unsigned bytes in 512 bits may not exceed 16 bits.
        isWide &= TBlock.IsSigned || TBlock.MostSums > 1;
        if (w.Columns < Columns) // fewer than eight small blocks
        {
            PlainBlocks.MultiplyGroups(w, x, vectors, y, yStride, asAlone);
            return;
        }
        int row = 0, height = GroupedPanel<TDot, TBlock>.Rows;
        int inFours = asAlone || vectors < FewestOfPanel ? 0 : vectors / Vectors * Vectors;
        for (; inFours > 0 && row + height <= w.Rows; row += height)
        {
            GroupedPanel<TDot, TBlock>.Multiply(w, row, x, inFours, y + row, yStride);
            Rows(w, row, row + height, x, inFours, vectors, y, yStride, isWide);
        }
        Rows(w, row, w.Rows, x, 0, vectors, y, yStride, isWide);
    }

    private static void Rows(in ProductRows w, int start, int end, in ByteVectors x, int from, int to, float* y,
        long yStride, bool isWide)
    {
        float* sums = stackalloc float[2];
        for (int row = start; row < end && from < to; row += 2)
        {
            byte* at = w.Data + row * w.RowBytes;
            bool hasSecond = row + 1 < end;
            int t = from;
            for (; t + Vectors <= to; t += Vectors)
            {
                for (int second = 0; second < (hasSecond ? 2 : 1); second++)
                {
                    byte* one = at + second * w.RowBytes;
                    float* result = y + t * yStride + row + second;
                    if (isWide)
                        WideGroupedRows<TDot, TBlock>.FourVectors(one, w.Columns, x.At(t, w.Columns), result, yStride);
                    else
                        FourVectors(one, w.Columns, x.At(t, w.Columns), result, yStride);
                }
            }
            for (; t < to; t++)
            {
                long apart = hasSecond ? w.RowBytes : 0;
                if (isWide)
                    WideGroupedRows<TDot, TBlock>.TwoRows(at, apart, w.Columns, x.At(t, w.Columns), sums);
                else
                    TwoRows(at, apart, w.Columns, x.At(t, w.Columns), sums);
                y[t * yStride + row] = sums[0];
                if (hasSecond)
                    y[t * yStride + row + 1] = sums[1];
            }
        }
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TwoRows(byte* w, long rowBytes, int columns, in ByteVectors x, float* y)
    {
        float* factors = stackalloc float[2 * Factors];
        int groups = columns / WeightTypes.BlockSize;
        Vector256<float> a0 = default, a1 = default, aMinimum = default, b0 = default, b1 = default, bMinimum = default;
        for (int b = 0; b < groups; b += 8)
        {
            int group = Math.Min(b, groups - 8);
            byte* first = w + (long)group * TBlock.Bytes / 8, second = first + rowBytes;
            ScalesFrom(first, b - group, out Vector256<float> s, out Vector256<float> us, out Vector256<float> m,
                out Vector256<float> um);
            SetFactors(s, us, m, um, x, group, factors, ref aMinimum);
            ScalesFrom(second, b - group, out s, out us, out m, out um);
            SetFactors(s, us, m, um, x, group, factors + Factors, ref bMinimum);
            // The rows that follow are fetched explicitly: two streams with gaps escape the processor's own prefetcher.
            Fetch(w + Ahead + (long)b * TBlock.Bytes / 4);
            sbyte* v = x.Values + group * WeightTypes.BlockSize;
            for (int half = 0; half < 2; half++, v += Columns / 2)
            {
                float* f = factors + (TBlock.HasHalves ? 8 : 4) * half;
                Vector256<sbyte> v0 = Vector256.Load(v), v1 = Vector256.Load(v + 32), v2 = Vector256.Load(v + 64),
                    v3 = Vector256.Load(v + 96);
                TBlock.Codes(first, half, out Vector256<byte> c0, out Vector256<byte> c1, out Vector256<byte> c2,
                    out Vector256<byte> c3);
                a0 = Add(c0, v0, f, 0, a0);
                a1 = Add(c1, v1, f, 1, a1);
                a0 = Add(c2, v2, f, 2, a0);
                a1 = Add(c3, v3, f, 3, a1);
                TBlock.Codes(second, half, out c0, out c1, out c2, out c3);
                f += Factors;
                b0 = Add(c0, v0, f, 0, b0);
                b1 = Add(c1, v1, f, 1, b1);
                b0 = Add(c2, v2, f, 2, b0);
                b1 = Add(c3, v3, f, 3, b1);
            }
        }
        y[0] = Vector256.Sum(a0 + a1 + aMinimum);
        y[1] = Vector256.Sum(b0 + b1 + bMinimum);
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourVectors(byte* w, int columns, in ByteVectors x, float* y, long yStride)
    {
        float* factors = stackalloc float[Vectors * Factors];
        int groups = columns / WeightTypes.BlockSize;
        ByteVectors x1 = x.At(1, columns), x2 = x.At(2, columns), x3 = x.At(3, columns);
        Vector256<float> a0 = default, a1 = default, aMinimum = default, b0 = default, b1 = default, bMinimum = default;
        Vector256<float> c0 = default, c1 = default, cMinimum = default, d0 = default, d1 = default, dMinimum = default;
        for (int b = 0; b < groups; b += 8)
        {
            int group = Math.Min(b, groups - 8);
            byte* at = w + (long)group * TBlock.Bytes / 8;
            ScalesFrom(at, b - group, out Vector256<float> s, out Vector256<float> us, out Vector256<float> m,
                out Vector256<float> um);
            SetFactors(s, us, m, um, x, group, factors, ref aMinimum);
            SetFactors(s, us, m, um, x1, group, factors + Factors, ref bMinimum);
            SetFactors(s, us, m, um, x2, group, factors + 2 * Factors, ref cMinimum);
            SetFactors(s, us, m, um, x3, group, factors + 3 * Factors, ref dMinimum);
            for (int half = 0; half < 2; half++)
            {
                long offset = group * WeightTypes.BlockSize + half * (Columns / 2);
                float* f = factors + (TBlock.HasHalves ? 8 : 4) * half;
                TBlock.Codes(at, half, out Vector256<byte> w0, out Vector256<byte> w1, out Vector256<byte> w2,
                    out Vector256<byte> w3);
                AddFour(w0, w1, w2, w3, x.Values + offset, f, ref a0, ref a1);
                AddFour(w0, w1, w2, w3, x1.Values + offset, f + Factors, ref b0, ref b1);
                AddFour(w0, w1, w2, w3, x2.Values + offset, f + 2 * Factors, ref c0, ref c1);
                AddFour(w0, w1, w2, w3, x3.Values + offset, f + 3 * Factors, ref d0, ref d1);
            }
        }
        y[0] = Vector256.Sum(a0 + a1 + aMinimum);
        y[yStride] = Vector256.Sum(b0 + b1 + bMinimum);
        y[2 * yStride] = Vector256.Sum(c0 + c1 + cMinimum);
        y[3 * yStride] = Vector256.Sum(d0 + d1 + dMinimum);
    }

    /// <summary>Fetches 256 columns of two rows that follow one another.</summary>
    [MethodImpl(Inline)]
    internal static void Fetch(byte* ahead)
    {
        const int line = 64;
        Sse.Prefetch0(ahead);
        Sse.Prefetch0(ahead + line);
        Sse.Prefetch0(ahead + 2 * line);
        if (2 * TBlock.Bytes > 3 * line)
            Sse.Prefetch0(ahead + 3 * line);
        if (2 * TBlock.Bytes > 4 * line)
            Sse.Prefetch0(ahead + 4 * line);
        if (2 * TBlock.Bytes > 5 * line)
            Sse.Prefetch0(ahead + 5 * line);
        if (2 * TBlock.Bytes > 6 * line)
            Sse.Prefetch0(ahead + 6 * line);
    }

    /// <summary>
    /// Returns scales and minimums. The last 256 columns of rows of small blocks may begin before the end of the
    /// columns before: the scales of those that were there already are 0.
    /// </summary>
    [MethodImpl(Inline)]
    internal static void ScalesFrom(byte* block, int from, out Vector256<float> scales,
        out Vector256<float> upperScales, out Vector256<float> minimums, out Vector256<float> upperMinimums)
    {
        TBlock.Scales(block, out scales, out upperScales, out minimums, out upperMinimums);
        if (from == 0)
            return;
        Vector256<float> isNew =
            Vector256.GreaterThanOrEqual(Vector256<int>.Indices, Vector256.Create(from)).AsSingle();
        scales &= isNew;
        minimums &= isNew;
    }

    /// <summary>Stores scales times those of a vector, and adds the products of the minimums with the vector.</summary>
    [MethodImpl(Inline)]
    private static void SetFactors(Vector256<float> scales, Vector256<float> upperScales, Vector256<float> minimums,
        Vector256<float> upperMinimums, in ByteVectors x, int group, float* factors, ref Vector256<float> sum)
    {
        Vector256<float> own = Vector256.Load(x.Scales + group);
        if (TBlock.HasHalves)
        {
            Vector256<float> lower = Avx2.PermuteVar8x32(own, Vector256.Create(0, 0, 1, 1, 2, 2, 3, 3)),
                upper = Avx2.PermuteVar8x32(own, Vector256.Create(4, 4, 5, 5, 6, 6, 7, 7));
            (scales * lower).Store(factors);
            (upperScales * upper).Store(factors + 8);
            int* sums = x.HalfSums + 2 * group;
            sum = Fma.MultiplyAddNegated(minimums, Vector256.ConvertToSingle(Vector256.Load(sums)) * lower, sum);
            sum = Fma.MultiplyAddNegated(upperMinimums, Vector256.ConvertToSingle(Vector256.Load(sums + 8)) * upper,
                sum);
            return;
        }
        (scales * own).Store(factors);
        if (!TBlock.IsSigned)
            sum = Fma.MultiplyAddNegated(minimums, Vector256.ConvertToSingle(Vector256.Load(x.Sums + group)) * own,
                sum);
    }

    [MethodImpl(Inline)]
    private static void AddFour(Vector256<byte> w0, Vector256<byte> w1, Vector256<byte> w2, Vector256<byte> w3,
        sbyte* values, float* factors, ref Vector256<float> even, ref Vector256<float> odd)
    {
        even = Add(w0, Vector256.Load(values), factors, 0, even);
        odd = Add(w1, Vector256.Load(values + 32), factors, 1, odd);
        even = Add(w2, Vector256.Load(values + 64), factors, 2, even);
        odd = Add(w3, Vector256.Load(values + 96), factors, 3, odd);
    }

    /// <summary>Adds the products of 32 codes and values, times their one or two factors.</summary>
    [MethodImpl(Inline)]
    private static Vector256<float> Add(Vector256<byte> codes, Vector256<sbyte> values, float* factors, int index,
        Vector256<float> sum)
    {
        Vector256<float> factor = TBlock.HasHalves
            ? Avx2.PermuteVar8x32(Vector256.Load(factors), Vector256.Create(
                Vector128.Create(2 * index), Vector128.Create(2 * index + 1)))
            : Vector256.Create(factors[index]);
        Vector256<int> dot = TBlock.IsSigned
            // w x = |w| · (sign(w) x): two products sum to at most 2 · 127 · 127, which fits into 16 bits.
            ? Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(Avx2.Abs(codes.AsSByte()),
                Avx2.Sign(values, codes.AsSByte())), Vector256<short>.One)
            : TDot.Total(TDot.Add(Vector256<int>.Zero, codes, values));
        return Fma.MultiplyAdd(Vector256.ConvertToSingle(dot), factor, sum);
    }
}
