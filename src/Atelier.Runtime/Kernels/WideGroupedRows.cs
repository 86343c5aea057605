using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Atelier.Kernels;

/// <summary>
/// The products of <see cref="GroupedProducts{TDot, TBlock}"/> of few vectors in registers of 512 bits, which hold 64
/// codes: half as many instructions.
/// </summary>
internal static unsafe class WideGroupedRows<TDot, TBlock>
    where TDot : struct, IByteDot
    where TBlock : struct, IGroupedBlock
{
    private const int Columns = WeightTypes.LargeBlockSize;
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    /// <summary>Multiplies two rows with a vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TwoRows(byte* w, long rowBytes, int columns, in ByteVectors x, float* y)
    {
        int groups = columns / WeightTypes.BlockSize;
        Vector512<float> a0 = default, a1 = default, b0 = default, b1 = default;
        Vector256<float> aMinimum = default, bMinimum = default;
        for (int b = 0; b < groups; b += 8)
        {
            int group = Math.Min(b, groups - 8);
            byte* first = w + (long)group * TBlock.Bytes / 8, second = first + rowBytes;
            GroupedProducts<TDot, TBlock>.Fetch(
                w + GroupedProducts<TDot, TBlock>.Ahead + (long)b * TBlock.Bytes / 4);
            GroupedProducts<TDot, TBlock>.ScalesFrom(first, b - group, out Vector256<float> s, out Vector256<float> us,
                out Vector256<float> m, out Vector256<float> um);
            Vector512<float> f = Factors(s, us, m, um, x, group, ref aMinimum);
            GroupedProducts<TDot, TBlock>.ScalesFrom(second, b - group, out s, out us, out m, out um);
            Vector512<float> g = Factors(s, us, m, um, x, group, ref bMinimum);
            sbyte* v = x.Values + group * WeightTypes.BlockSize;
            Vector512<sbyte> v0 = Vector512.Load(v), v1 = Vector512.Load(v + 64);
            TBlock.Codes(first, 0, out Vector256<byte> c0, out Vector256<byte> c1, out Vector256<byte> c2,
                out Vector256<byte> c3);
            a0 = Add(c0, c1, v0, f, Of(0), a0);
            a1 = Add(c2, c3, v1, f, Of(1), a1);
            TBlock.Codes(second, 0, out c0, out c1, out c2, out c3);
            b0 = Add(c0, c1, v0, g, Of(0), b0);
            b1 = Add(c2, c3, v1, g, Of(1), b1);
            v0 = Vector512.Load(v + 128);
            v1 = Vector512.Load(v + 192);
            TBlock.Codes(first, 1, out c0, out c1, out c2, out c3);
            a0 = Add(c0, c1, v0, f, Of(2), a0);
            a1 = Add(c2, c3, v1, f, Of(3), a1);
            TBlock.Codes(second, 1, out c0, out c1, out c2, out c3);
            b0 = Add(c0, c1, v0, g, Of(2), b0);
            b1 = Add(c2, c3, v1, g, Of(3), b1);
        }
        y[0] = Total(a0, a1, aMinimum);
        y[1] = Total(b0, b1, bMinimum);
    }

    /// <summary>Multiplies a row with four vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void FourVectors(byte* w, int columns, in ByteVectors x, float* y, long yStride)
    {
        int groups = columns / WeightTypes.BlockSize;
        ByteVectors x1 = x.At(1, columns), x2 = x.At(2, columns), x3 = x.At(3, columns);
        Vector512<float> a0 = default, a1 = default, b0 = default, b1 = default, c0 = default, c1 = default,
            d0 = default, d1 = default;
        Vector256<float> aMinimum = default, bMinimum = default, cMinimum = default, dMinimum = default;
        for (int b = 0; b < groups; b += 8)
        {
            int group = Math.Min(b, groups - 8);
            byte* at = w + (long)group * TBlock.Bytes / 8;
            GroupedProducts<TDot, TBlock>.ScalesFrom(at, b - group, out Vector256<float> s, out Vector256<float> us,
                out Vector256<float> m, out Vector256<float> um);
            Vector512<float> f0 = Factors(s, us, m, um, x, group, ref aMinimum),
                f1 = Factors(s, us, m, um, x1, group, ref bMinimum),
                f2 = Factors(s, us, m, um, x2, group, ref cMinimum),
                f3 = Factors(s, us, m, um, x3, group, ref dMinimum);
            for (int half = 0; half < 2; half++)
            {
                long offset = group * WeightTypes.BlockSize + half * (Columns / 2);
                Vector512<int> even = Of(2 * half), odd = Of(2 * half + 1);
                TBlock.Codes(at, half, out Vector256<byte> w0, out Vector256<byte> w1, out Vector256<byte> w2,
                    out Vector256<byte> w3);
                a0 = Add(w0, w1, Vector512.Load(x.Values + offset), f0, even, a0);
                a1 = Add(w2, w3, Vector512.Load(x.Values + offset + 64), f0, odd, a1);
                b0 = Add(w0, w1, Vector512.Load(x1.Values + offset), f1, even, b0);
                b1 = Add(w2, w3, Vector512.Load(x1.Values + offset + 64), f1, odd, b1);
                c0 = Add(w0, w1, Vector512.Load(x2.Values + offset), f2, even, c0);
                c1 = Add(w2, w3, Vector512.Load(x2.Values + offset + 64), f2, odd, c1);
                d0 = Add(w0, w1, Vector512.Load(x3.Values + offset), f3, even, d0);
                d1 = Add(w2, w3, Vector512.Load(x3.Values + offset + 64), f3, odd, d1);
            }
        }
        y[0] = Total(a0, a1, aMinimum);
        y[yStride] = Total(b0, b1, bMinimum);
        y[2 * yStride] = Total(c0, c1, cMinimum);
        y[3 * yStride] = Total(d0, d1, dMinimum);
    }

    /// <summary>
    /// Returns the scales of 8 or 16 groups times those of a vector, and adds the products of the minimums with the
    /// vector.
    /// </summary>
    [MethodImpl(Inline)]
    private static Vector512<float> Factors(Vector256<float> scales, Vector256<float> upperScales,
        Vector256<float> minimums, Vector256<float> upperMinimums, in ByteVectors x, int group,
        ref Vector256<float> sum)
    {
        Vector256<float> own = Vector256.Load(x.Scales + group);
        if (TBlock.HasHalves)
        {
            Vector256<float> lower = Avx2.PermuteVar8x32(own, Vector256.Create(0, 0, 1, 1, 2, 2, 3, 3)),
                upper = Avx2.PermuteVar8x32(own, Vector256.Create(4, 4, 5, 5, 6, 6, 7, 7));
            int* sums = x.HalfSums + 2 * group;
            sum = Fma.MultiplyAddNegated(minimums, Vector256.ConvertToSingle(Vector256.Load(sums)) * lower, sum);
            sum = Fma.MultiplyAddNegated(upperMinimums, Vector256.ConvertToSingle(Vector256.Load(sums + 8)) * upper,
                sum);
            return (scales * lower).ToVector512Unsafe().WithUpper(upperScales * upper);
        }
        if (!TBlock.IsSigned)
            sum = Fma.MultiplyAddNegated(minimums, Vector256.ConvertToSingle(Vector256.Load(x.Sums + group)) * own,
                sum);
        return (scales * own).ToVector512Unsafe();
    }

    /// <summary>Returns the groups of 16 sums of four products, those of the weights from 64 · part on.</summary>
    [MethodImpl(Inline)]
    private static Vector512<int> Of(int part) => TBlock.HasHalves
        ? Vector512.Create(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3) + Vector512.Create(4 * part)
        : Vector512.Create(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1) + Vector512.Create(2 * part);

    /// <summary>Adds the products of 64 codes and values, times the factors of their groups.</summary>
    [MethodImpl(Inline)]
    private static Vector512<float> Add(Vector256<byte> lower, Vector256<byte> upper, Vector512<sbyte> values,
        Vector512<float> factors, Vector512<int> groups, Vector512<float> sum)
    {
        Vector512<byte> codes = lower.ToVector512Unsafe().WithUpper(upper); // one instruction
        if (TBlock.IsSigned) // w x = |w| · (sign(w) x)
        {
            values = Vector512.ConditionalSelect(Vector512.LessThan(codes.AsSByte(), Vector512<sbyte>.Zero), -values,
                values);
            codes = Avx512BW.Abs(codes.AsSByte());
        }
        Vector512<int> dot =
            Avx512BW.MultiplyAddAdjacent(Avx512BW.MultiplyAddAdjacent(codes, values), Vector512<short>.One);
        return Avx512F.FusedMultiplyAdd(Vector512.ConvertToSingle(dot), Avx512F.PermuteVar16x32(factors, groups), sum);
    }

    [MethodImpl(Inline)]
    private static float Total(Vector512<float> even, Vector512<float> odd, Vector256<float> minimums)
    {
        Vector512<float> all = even + odd;
        return Vector256.Sum(all.GetLower() + all.GetUpper() + minimums);
    }
}
