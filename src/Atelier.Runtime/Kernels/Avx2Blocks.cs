using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Atelier.Kernels;

/// <summary>Sums of four products of bytes, with AVX2 alone or with AVX-VNNI.</summary>
internal interface IByteDot
{
    /// <summary>start + Σ of four unsigned times signed; the unsigned are at most 15.</summary>
    static abstract Vector256<int> Small(Vector256<int> start, Vector256<byte> unsigned, Vector256<sbyte> signed);

    /// <summary>Σ of four signed times signed.</summary>
    /// <param name="weights">Any bytes.</param>
    /// <param name="values">From −127 to 127.</param>
    /// <param name="offsets">−8 times the sums of four values.</param>
    static abstract Vector256<int> Signed(Vector256<sbyte> weights, Vector256<sbyte> values, Vector256<int> offsets);
}

/// <summary>AVX2: products of bytes in pairs into 16 bits, then pairs of those into 32.</summary>
internal readonly struct Avx2Dot : IByteDot
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Small(Vector256<int> start, Vector256<byte> unsigned, Vector256<sbyte> signed) =>
        start + Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(unsigned, signed), Vector256<short>.One);

    // |w| · (sign(w) x): at most 2 · 128 · 127 in 16 bits.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Signed(Vector256<sbyte> weights, Vector256<sbyte> values, Vector256<int> offsets) =>
        Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(Avx2.Abs(weights), Avx2.Sign(values, weights)), Vector256<short>.One);
}

/// <summary>AVX-VNNI: four products of bytes into 32 bits at once.</summary>
internal readonly struct AvxVnniDot : IByteDot
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Small(Vector256<int> start, Vector256<byte> unsigned, Vector256<sbyte> signed) =>
        AvxVnni.MultiplyWideningAndAdd(start, unsigned, signed);

    // (w + 128) x − 128 x: the offsets are −8 x.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Signed(Vector256<sbyte> weights, Vector256<sbyte> values, Vector256<int> offsets) =>
        AvxVnni.MultiplyWideningAndAdd(offsets << 4, weights.AsByte() ^ Vector256.Create((byte)0x80), values);
}

/// <summary>A block of 32 in a register of 256 bits.</summary>
internal readonly unsafe struct Avx2Blocks<TDot> : IBlockProducts
    where TDot : struct, IByteDot
{
    private const MethodImplOptions Hot = MethodImplOptions.AggressiveOptimization;

    public static void MultiplyQ8(in ProductRows w, in ByteVectors x, int vectors, float* y, long yStride) => Multiply<Q8>(w, x, vectors, y, yStride);

    public static void MultiplyQ4(in ProductRows w, in ByteVectors x, int vectors, float* y, long yStride) => Multiply<Q4>(w, x, vectors, y, yStride);

    private interface IBlock
    {
        static abstract int Bytes { get; }

        static abstract Vector256<byte> Load(byte* block);

        static abstract Vector256<int> Dot(Vector256<byte> weights, Vector256<sbyte> values, Vector256<int> offsets);
    }

    private static void Multiply<TBlock>(in ProductRows w, in ByteVectors x, int vectors, float* y, long yStride)
        where TBlock : struct, IBlock
    {
        int blocks = w.Columns / WeightTypes.BlockSize, row = 0;
        for (; row + 4 <= w.Rows; row += 4)
        {
            byte* at = w.Data + row * w.RowBytes;
            int t = 0;
            for (; t + 4 <= vectors; t += 4)
            {
                for (int r = 0; r < 4; r++)
                    OneByFour<TBlock>(at + r * w.RowBytes, blocks, At(x, t, blocks), y + t * yStride + row + r, yStride);
            }
            for (; t < vectors; t++)
                FourByOne<TBlock>(at, w.RowBytes, blocks, At(x, t, blocks), y + t * yStride + row);
        }
        for (; row < w.Rows; row++)
        {
            for (int t = 0; t < vectors; t++)
                y[t * yStride + row] = One<TBlock>(w.Data + row * w.RowBytes, blocks, At(x, t, blocks));
        }
    }

    [MethodImpl(Hot)]
    private static void FourByOne<TBlock>(byte* w, long rowBytes, int blocks, in ByteVectors x, float* y)
        where TBlock : struct, IBlock
    {
        byte* w1 = w + rowBytes, w2 = w1 + rowBytes, w3 = w2 + rowBytes;
        sbyte* values = x.Values;
        int* offsets = x.Offsets;
        float* scales = x.Scales;
        Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default;
        long ahead = 4 * rowBytes;
        for (int b = 0; b < blocks; b++)
        {
            // The next four rows: the processor's own prefetching begins anew with every short row.
            Sse.Prefetch0(w + ahead);
            Sse.Prefetch0(w1 + ahead);
            Sse.Prefetch0(w2 + ahead);
            Sse.Prefetch0(w3 + ahead);
            Vector256<sbyte> v = Vector256.Load(values + b * 32);
            Vector256<int> o = Vector256.Load(offsets + b * 8);
            Vector256<float> s = Avx.BroadcastScalarToVector256(scales + b);
            a0 = Fma.MultiplyAdd(Vector256.ConvertToSingle(TBlock.Dot(TBlock.Load(w), v, o)), Scale(w) * s, a0);
            a1 = Fma.MultiplyAdd(Vector256.ConvertToSingle(TBlock.Dot(TBlock.Load(w1), v, o)), Scale(w1) * s, a1);
            a2 = Fma.MultiplyAdd(Vector256.ConvertToSingle(TBlock.Dot(TBlock.Load(w2), v, o)), Scale(w2) * s, a2);
            a3 = Fma.MultiplyAdd(Vector256.ConvertToSingle(TBlock.Dot(TBlock.Load(w3), v, o)), Scale(w3) * s, a3);
            w += TBlock.Bytes;
            w1 += TBlock.Bytes;
            w2 += TBlock.Bytes;
            w3 += TBlock.Bytes;
        }
        (y[0], y[1], y[2], y[3]) = (Vector256.Sum(a0), Vector256.Sum(a1), Vector256.Sum(a2), Vector256.Sum(a3));
    }

    [MethodImpl(Hot)]
    private static void OneByFour<TBlock>(byte* w, int blocks, in ByteVectors x, float* y, long yStride)
        where TBlock : struct, IBlock
    {
        sbyte* v0 = x.Values, v1 = v0 + blocks * 32, v2 = v1 + blocks * 32, v3 = v2 + blocks * 32;
        int* o0 = x.Offsets, o1 = o0 + blocks * 8, o2 = o1 + blocks * 8, o3 = o2 + blocks * 8;
        float* s0 = x.Scales, s1 = s0 + blocks, s2 = s1 + blocks, s3 = s2 + blocks;
        Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default;
        for (int b = 0; b < blocks; b++)
        {
            Vector256<byte> r = TBlock.Load(w);
            Vector256<float> scale = Scale(w);
            a0 = Fma.MultiplyAdd(Vector256.ConvertToSingle(TBlock.Dot(r, Vector256.Load(v0 + b * 32), Vector256.Load(o0 + b * 8))), scale * Avx.BroadcastScalarToVector256(s0 + b), a0);
            a1 = Fma.MultiplyAdd(Vector256.ConvertToSingle(TBlock.Dot(r, Vector256.Load(v1 + b * 32), Vector256.Load(o1 + b * 8))), scale * Avx.BroadcastScalarToVector256(s1 + b), a1);
            a2 = Fma.MultiplyAdd(Vector256.ConvertToSingle(TBlock.Dot(r, Vector256.Load(v2 + b * 32), Vector256.Load(o2 + b * 8))), scale * Avx.BroadcastScalarToVector256(s2 + b), a2);
            a3 = Fma.MultiplyAdd(Vector256.ConvertToSingle(TBlock.Dot(r, Vector256.Load(v3 + b * 32), Vector256.Load(o3 + b * 8))), scale * Avx.BroadcastScalarToVector256(s3 + b), a3);
            w += TBlock.Bytes;
        }
        y[0] = Vector256.Sum(a0);
        y[yStride] = Vector256.Sum(a1);
        y[2 * yStride] = Vector256.Sum(a2);
        y[3 * yStride] = Vector256.Sum(a3);
    }

    [MethodImpl(Hot)]
    private static float One<TBlock>(byte* w, int blocks, in ByteVectors x)
        where TBlock : struct, IBlock
    {
        Vector256<float> sum = default;
        for (int b = 0; b < blocks; b++)
        {
            Vector256<int> dot = TBlock.Dot(TBlock.Load(w), Vector256.Load(x.Values + b * 32), Vector256.Load(x.Offsets + b * 8));
            sum = Fma.MultiplyAdd(Vector256.ConvertToSingle(dot), Scale(w) * Avx.BroadcastScalarToVector256(x.Scales + b), sum);
            w += TBlock.Bytes;
        }
        return Vector256.Sum(sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ByteVectors At(in ByteVectors x, int vector, int blocks) =>
        new(x.Values + (long)vector * blocks * 32, x.Scales + (long)vector * blocks, x.Offsets + (long)vector * blocks * 8);

    // The half-precision scale in every lane: twice the same half in 32 bits, its parts moved to a float's places.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Scale(byte* block) =>
        ((Avx2.BroadcastScalarToVector256((short*)block).AsInt32() >> 3) & Vector256.Create(unchecked((int)0x8FFFE000))).AsSingle() * Vector256.Create(5.192296858534828e33f);

    private readonly struct Q8 : IBlock
    {
        public static int Bytes => WeightTypes.Q8BlockBytes;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<byte> Load(byte* block) => Vector256.Load(block + 2);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<int> Dot(Vector256<byte> weights, Vector256<sbyte> values, Vector256<int> offsets) =>
            TDot.Signed(weights.AsSByte(), values, offsets);
    }

    private readonly struct Q4 : IBlock
    {
        public static int Bytes => WeightTypes.Q4BlockBytes;

        // The lower lane takes the low halves of the bytes, the upper lane the high ones.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<byte> Load(byte* block)
        {
            Vector256<uint> both = Avx2.BroadcastVector128ToVector256(block + 2).AsUInt32();
            return Avx2.ShiftRightLogicalVariable(both, Vector256.Create(0u, 0, 0, 0, 4, 4, 4, 4)).AsByte() & Vector256.Create((byte)15);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<int> Dot(Vector256<byte> weights, Vector256<sbyte> values, Vector256<int> offsets) =>
            TDot.Small(offsets, weights, values);
    }
}
