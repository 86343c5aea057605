using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Atelier.Tensors;

namespace Atelier.Kernels;

/// <summary>
/// Attention head by head in fp32, within the cache: sixteen queries at a time with the keys up to theirs, so that the
/// masked half is hardly computed. The backward pass computes the weights again from the logarithms of the softmax's
/// sums (Dao et al. 2022, section 3.1).
/// </summary>
/// <param name="layout">The positions of heads in memory.</param>
/// <param name="turn">The tables that rotate queries and keys, or none.</param>
internal readonly unsafe struct AttentionKernel(AttentionLayout layout, RotaryTables turn) : IAttentionKernel
{
    private const int Lanes = Bf16.Lanes; // and queries at a time
    private readonly int _padded = layout.Padded, _size = layout.Size;
    private readonly float _scale = (float)(1 / Math.Sqrt(layout.Size));
    private readonly HeadKernel _head = new(layout.Time, layout.Padded, layout.Size);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Forward(ushort* qkv, ushort* mixed, float* logSums)
    {
        long matrix = (long)_padded * _size;
        using var scratch = new Scratch((4 * matrix) + (Lanes * _padded));
        float* keys = scratch.Take(matrix), v = scratch.Take(matrix), q = scratch.Take(matrix),
            o = scratch.Take(matrix);
        float* weights = scratch.Take(Lanes * _padded);
        for (int place = 0; place < layout.Batch * layout.KeyValueHeads; place++)
        {
            (int batch, int shared) = Math.DivRem(place, layout.KeyValueHeads);
            ushort* rows = qkv + ((long)batch * layout.Time * layout.Row);
            _head.Read(rows + layout.KeyAt(shared), layout.Row, q, 1, turn);
            _head.Transpose(q, keys); // [size, padded]
            _head.Read(rows + layout.ValueAt(shared), layout.Row, v, 1, default);
            for (int head = shared * layout.Group; head < (shared + 1) * layout.Group; head++)
            {
                _head.Read(rows + (head * _size), layout.Row, q, _scale, turn);
                float* sums = logSums + ((((long)batch * layout.Heads) + head) * _padded);
                for (int first = 0; first < _padded; first += Lanes)
                {
                    int span = first + Lanes;
                    SmallProduct.Run(q + (first * _size), _size, 1, keys, _padded, weights, _padded, Lanes, span, _size,
                        add: false);
                    for (int r = 0; r < Lanes; r++)
                        sums[first + r] = Softmax(weights + (r * _padded), r + 1, span);
                    SmallProduct.Run(weights, _padded, 1, v, _size, o + (first * _size), _size, Lanes, _size, span,
                        add: false);
                }
                _head.Write(o, mixed + ((long)batch * layout.Time * layout.MixedRow) + (head * _size), layout.MixedRow,
                    1, default);
            }
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Backward(ushort* qkv, ushort* mixed, float* logSums, ushort* dMixed, ushort* dQkv)
    {
        long matrix = (long)_padded * _size;
        using var scratch = new Scratch((9 * matrix) + (2 * Lanes * _padded) + _padded);
        float* k = scratch.Take(matrix), keys = scratch.Take(matrix), values = scratch.Take(matrix),
            q = scratch.Take(matrix);
        float* dO = scratch.Take(matrix), dQ = scratch.Take(matrix), dK = scratch.Take(matrix),
            dV = scratch.Take(matrix), o = scratch.Take(matrix);
        float* weights = scratch.Take(Lanes * _padded), dScores = scratch.Take(Lanes * _padded),
            along = scratch.Take(_padded);
        for (int place = 0; place < layout.Batch * layout.KeyValueHeads; place++)
        {
            (int batch, int shared) = Math.DivRem(place, layout.KeyValueHeads);
            long at = (long)batch * layout.Time * layout.Row, mixedAt = (long)batch * layout.Time * layout.MixedRow;
            _head.Read(qkv + at + layout.ValueAt(shared), layout.Row, k, 1, default);
            _head.Transpose(k, values);
            _head.Read(qkv + at + layout.KeyAt(shared), layout.Row, k, 1, turn);
            _head.Transpose(k, keys);
            new Span<float>(dK, (int)matrix).Clear();
            new Span<float>(dV, (int)matrix).Clear();
            for (int head = shared * layout.Group; head < (shared + 1) * layout.Group; head++)
            {
                float* sums = logSums + ((((long)batch * layout.Heads) + head) * _padded);
                _head.Read(qkv + at + (head * _size), layout.Row, q, _scale, turn);
                _head.Read(dMixed + mixedAt + (head * _size), layout.MixedRow, dO, 1, default);
                _head.Read(mixed + mixedAt + (head * _size), layout.MixedRow, o, 1, default);
                for (int t = 0; t < _padded; t++)
                    along[t] = Dot(dO + (t * _size), o + (t * _size));
                for (int first = 0; first < _padded; first += Lanes)
                {
                    int span = first + Lanes;
                    float* queries = q + (first * _size), dMix = dO + (first * _size);
                    SmallProduct.Run(queries, _size, 1, keys, _padded, weights, _padded, Lanes, span, _size,
                        add: false);
                    SmallProduct.Run(dMix, _size, 1, values, _padded, dScores, _padded, Lanes, span, _size, add: false);
                    for (int r = 0; r < Lanes; r++)
                        SoftmaxBackward(weights + (r * _padded), dScores + (r * _padded), sums[first + r],
                            along[first + r], r + 1, span);
                    SmallProduct.Run(weights, 1, _padded, dMix, _size, dV, _size, span, _size, Lanes, add: true);
                    SmallProduct.Run(dScores, 1, _padded, queries, _size, dK, _size, span, _size, Lanes, add: true);
                    SmallProduct.Run(dScores, _padded, 1, k, _size, dQ + (first * _size), _size, Lanes, _size, span,
                        add: false);
                }
                _head.Write(dQ, dQkv + at + (head * _size), layout.Row, _scale, turn);
            }
            _head.Write(dK, dQkv + at + layout.KeyAt(shared), layout.Row, 1, turn);
            _head.Write(dV, dQkv + at + layout.ValueAt(shared), layout.Row, 1, default);
        }
    }

    /// <summary>
    /// Replaces scores by weights, of the last sixteen the first <paramref name="seen"/> and zeros after; gives log Σ
    /// exp.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Softmax(float* row, int seen, int span)
    {
        int last = span - Lanes;
        Vector512<float> mask = Seen(seen), lowest = Vector512.Create(float.NegativeInfinity);
        Vector512<float> largest = Vector512.ConditionalSelect(mask, Vector512.Load(row + last), lowest);
        for (int i = 0; i < last; i += Lanes)
            largest = Avx512F.Max(largest, Vector512.Load(row + i));
        float most = Largest(largest);
        Vector512<float> shift = Vector512.Create(most);
        Vector512<float> total = VectorMath.Exp(Vector512.Load(row + last) - shift) & mask;
        total.Store(row + last);
        for (int i = 0; i < last; i += Lanes)
        {
            Vector512<float> exponential = VectorMath.Exp(Vector512.Load(row + i) - shift);
            exponential.Store(row + i);
            total += exponential;
        }
        float sum = Vector512.Sum(total);
        Vector512<float> factor = Vector512.Create(1 / sum);
        for (int i = 0; i < span; i += Lanes)
            (Vector512.Load(row + i) * factor).Store(row + i);
        return most + MathF.Log(sum);
    }

    /// <summary>
    /// Replaces scores s by weights w = exp(s − log Σ exp), and their gradients g by w (g − Σ w g), that of the scores.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SoftmaxBackward(float* row, float* gradient, float logSum, float along, int seen, int span)
    {
        int last = span - Lanes;
        Vector512<float> shift = Vector512.Create(logSum), middle = Vector512.Create(along);
        for (int i = 0; i < span; i += Lanes)
        {
            Vector512<float> weight = VectorMath.Exp(Vector512.Load(row + i) - shift);
            if (i == last)
                weight &= Seen(seen);
            weight.Store(row + i);
            (weight * (Vector512.Load(gradient + i) - middle)).Store(gradient + i);
        }
    }

    /// <summary>All bits of the first numbers of a register.</summary>
    public static Vector512<float> Seen(int seen) =>
        Vector512.LessThan(Vector512<int>.Indices, Vector512.Create(seen)).AsSingle();

    /// <summary>The largest of sixteen numbers.</summary>
    public static float Largest(Vector512<float> x)
    {
        Vector256<float> eight = Vector256.Max(x.GetLower(), x.GetUpper());
        Vector128<float> four = Vector128.Max(eight.GetLower(), eight.GetUpper());
        return Math.Max(Math.Max(four[0], four[1]), Math.Max(four[2], four[3]));
    }

    private float Dot(float* x, float* y)
    {
        Vector512<float> sum = Vector512<float>.Zero;
        for (int i = 0; i < _size; i += Lanes)
            sum = Vector512.FusedMultiplyAdd(Vector512.Load(x + i), Vector512.Load(y + i), sum);
        return Vector512.Sum(sum);
    }
}
