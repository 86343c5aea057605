using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Atelier.Kernels;

/// <summary>
/// A panel of sixteen rows of weights in groups, unpacked and transposed so that a register holds four codes of each of
/// eight rows, as in <see cref="BlockPanel{TDot, TBlock}"/>: the rows are unpacked only once for all vectors.
/// </summary>
internal static unsafe class GroupedPanel<TDot, TBlock>
    where TDot : struct, IByteDot
    where TBlock : struct, IGroupedBlock
{
    /// <summary>Number of rows of a panel.</summary>
    public const int Rows = 2 * Lanes;

    private const int Lanes = 8; // rows of a register
    private const int Vectors = 4; // that are multiplied at a time
    private const int Columns = WeightTypes.LargeBlockSize;
    private const int BlocksAtOnce = 4; // 1,024 columns: 24 KiB, which fits into the L1 cache
    private const int CodeBytes = Rows * Columns;
    private const int ScaleFloats = 2 * Rows * FileBlocks.MostGroups; // [group, scales or minimums, row]
    private const int Line = 64;

    /// <summary>Number of groups in 256 columns.</summary>
    private static int Groups
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TBlock.HasHalves ? 16 : 8;
    }

    /// <summary>Number of registers that four codes each of a group take.</summary>
    private static int Steps
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TBlock.HasHalves ? 4 : 8;
    }

    /// <summary>Whether sums of the dot product hold a whole group; otherwise they hold two registers.</summary>
    private static bool SumsToEnd
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => !TBlock.IsSigned && (TDot.TakesAnyByte || TBlock.MostSums >= Steps);
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
        byte* codes = stackalloc byte[BlocksAtOnce * CodeBytes];
        float* scales = stackalloc float[BlocksAtOnce * ScaleFloats];
        int groups = w.Columns / WeightTypes.BlockSize, blocks = (groups + 7) / 8;
        for (int first = 0; first < blocks; first += BlocksAtOnce)
        {
            int count = Math.Min(BlocksAtOnce, blocks - first);
            for (int b = 0; b < count; b++)
                Pack(w.Data + row * w.RowBytes, w.RowBytes, 8 * (first + b), groups, codes + b * CodeBytes,
                    scales + b * ScaleFloats);
            // The rows of the next panel follow one another: the first four vectors fetch them, while they multiply.
            byte* next = w.Data + (row + Rows) * w.RowBytes + (long)first * Rows * TBlock.Bytes;
            for (int t = 0; t < vectors; t += Vectors)
                Four(codes, scales, 8 * first, count, x.At(t, w.Columns), groups, y + t * yStride, yStride,
                    t == 0 ? next : null);
        }
    }

    /// <summary>Unpacks 256 columns of all rows.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Pack(byte* w, long rowBytes, int from, int groups, byte* codes, float* scales)
    {
        byte* rows = stackalloc byte[Lanes * Columns];
        float* own = stackalloc float[2 * FileBlocks.MostGroups];
        int group = Math.Min(from, groups - 8);
        w += (long)group * TBlock.Bytes / 8;
        for (int row = 0; row < Rows; row++, w += rowBytes)
        {
            GroupedProducts<TDot, TBlock>.ScalesFrom(w, from - group, out Vector256<float> s, out Vector256<float> us,
                out Vector256<float> m, out Vector256<float> um);
            s.Store(own);
            us.Store(own + 8);
            m.Store(own + 16);
            um.Store(own + 24);
            for (int g = 0; g < Groups; g++)
                (scales[2 * Rows * g + row], scales[2 * Rows * g + Rows + row]) = (own[g], own[16 + g]);
            byte* to = rows + row % Lanes * Columns;
            for (int half = 0; half < 2; half++, to += Columns / 2)
            {
                TBlock.Codes(w, half, out Vector256<byte> a, out Vector256<byte> b, out Vector256<byte> c,
                    out Vector256<byte> d);
                a.Store(to);
                b.Store(to + 32);
                c.Store(to + 64);
                d.Store(to + 96);
            }
            if (row % Lanes == Lanes - 1)
                Transpose(rows, codes + row / Lanes * 32);
        }
    }

    /// <summary>Stores registers of four codes of eight rows, every other of the panel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose(byte* rows, byte* to)
    {
        for (int column = 0; column < Columns; column += 16, to += 4 * 64)
        {
            BlockTranspose.FourBytesOfEightRows(rows + column, Columns, out Vector256<byte> a, out Vector256<byte> b,
                out Vector256<byte> c, out Vector256<byte> d);
            a.Store(to);
            b.Store(to + 64);
            c.Store(to + 128);
            d.Store(to + 192);
        }
    }

    /// <summary>
    /// Multiplies blocks of the panel with four vectors. The first blocks set the results; later ones are added.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Four(byte* codes, float* scales, int from, int count, in ByteVectors x, int groups, float* y,
        long yStride, byte* next)
    {
        float* y1 = y + yStride, y2 = y1 + yStride, y3 = y2 + yStride;
        Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default;
        Vector256<float> b0 = default, b1 = default, b2 = default, b3 = default;
        if (from > 0)
        {
            (a0, a1, a2, a3) = (Vector256.Load(y), Vector256.Load(y1), Vector256.Load(y2), Vector256.Load(y3));
            (b0, b1, b2, b3) = (Vector256.Load(y + Lanes), Vector256.Load(y1 + Lanes), Vector256.Load(y2 + Lanes),
                Vector256.Load(y3 + Lanes));
        }
        for (int b = 0; b < count; b++, from += 8, codes += CodeBytes, scales += ScaleFloats)
        {
            if (next is not null)
            {
                for (int line = 0; line < Rows * TBlock.Bytes; line += Line)
                    Sse.Prefetch1(next + line);
                next += Rows * TBlock.Bytes;
            }
            int group = Math.Min(from, groups - 8);
            int* v = (int*)x.Values + 8 * group, v1 = v + 8 * groups, v2 = v1 + 8 * groups, v3 = v2 + 8 * groups;
            float* xScales = x.Scales + group;
            int* sums = TBlock.HasHalves ? x.HalfSums + 2 * group : x.Sums + group;
            byte* c = codes;
            float* s = scales;
            for (int g = 0; g < Groups; g++, s += 2 * Rows, v += Steps, v1 += Steps, v2 += Steps, v3 += Steps)
            {
                Vector256<int> d0 = default, d1 = default, d2 = default, d3 = default;
                Vector256<int> e0 = default, e1 = default, e2 = default, e3 = default;
                for (int step = 0; step < Steps; step += 2, c += 4 * 32)
                {
                    Vector256<byte> d = Vector256.Load(c), e = Vector256.Load(c + 32), nextD = Vector256.Load(c + 64),
                        nextE = Vector256.Load(c + 96);
                    Vector256<sbyte> values = Vector256.Create(v[step]).AsSByte(),
                        nextValues = Vector256.Create(v[step + 1]).AsSByte();
                    d0 = AddTwo(d0, d, values, nextD, nextValues);
                    e0 = AddTwo(e0, e, values, nextE, nextValues);
                    values = Vector256.Create(v1[step]).AsSByte();
                    nextValues = Vector256.Create(v1[step + 1]).AsSByte();
                    d1 = AddTwo(d1, d, values, nextD, nextValues);
                    e1 = AddTwo(e1, e, values, nextE, nextValues);
                    values = Vector256.Create(v2[step]).AsSByte();
                    nextValues = Vector256.Create(v2[step + 1]).AsSByte();
                    d2 = AddTwo(d2, d, values, nextD, nextValues);
                    e2 = AddTwo(e2, e, values, nextE, nextValues);
                    values = Vector256.Create(v3[step]).AsSByte();
                    nextValues = Vector256.Create(v3[step + 1]).AsSByte();
                    d3 = AddTwo(d3, d, values, nextD, nextValues);
                    e3 = AddTwo(e3, e, values, nextE, nextValues);
                }
                int at = TBlock.HasHalves ? g / 2 : g;
                Add(d0, e0, xScales[at], sums[g], s, ref a0, ref b0);
                Add(d1, e1, xScales[groups + at], sums[groups * Groups / 8 + g], s, ref a1, ref b1);
                Add(d2, e2, xScales[2 * groups + at], sums[2 * groups * Groups / 8 + g], s, ref a2, ref b2);
                Add(d3, e3, xScales[3 * groups + at], sums[3 * groups * Groups / 8 + g], s, ref a3, ref b3);
            }
        }
        Store(a0, b0, y);
        Store(a1, b1, y1);
        Store(a2, b2, y2);
        Store(a3, b3, y3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> AddTwo(Vector256<int> sum, Vector256<byte> codes, Vector256<sbyte> values,
        Vector256<byte> nextCodes, Vector256<sbyte> nextValues)
    {
        if (TBlock.IsSigned) // |w| · (sign(w) x)
            return sum + Pair(Avx2.Abs(codes.AsSByte()), Avx2.Sign(values, codes.AsSByte()))
                + Pair(Avx2.Abs(nextCodes.AsSByte()), Avx2.Sign(nextValues, nextCodes.AsSByte()));
        if (SumsToEnd)
            return TDot.Add(TDot.Add(sum, codes, values), nextCodes, nextValues);
        return sum + Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(codes, values)
            + Avx2.MultiplyAddAdjacent(nextCodes, nextValues), Vector256<short>.One);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Pair(Vector256<byte> codes, Vector256<sbyte> values) =>
        Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(codes, values), Vector256<short>.One);

    /// <summary>Adds the sums over a group, scaled, without the minimums times the values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(Vector256<int> d, Vector256<int> e, float scale, int sum, float* scales,
        ref Vector256<float> a, ref Vector256<float> b)
    {
        if (SumsToEnd)
            (d, e) = (TDot.Total(d), TDot.Total(e));
        Vector256<float> factor = Vector256.Create(scale);
        a = Fma.MultiplyAdd(Vector256.ConvertToSingle(d), Vector256.Load(scales) * factor, a);
        b = Fma.MultiplyAdd(Vector256.ConvertToSingle(e), Vector256.Load(scales + Lanes) * factor, b);
        if (TBlock.IsSigned)
            return;
        factor = Vector256.Create(scale * sum);
        a = Fma.MultiplyAddNegated(Vector256.Load(scales + Rows), factor, a);
        b = Fma.MultiplyAddNegated(Vector256.Load(scales + Rows + Lanes), factor, b);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector256<float> a, Vector256<float> b, float* y)
    {
        a.Store(y);
        b.Store(y + Lanes);
    }
}
