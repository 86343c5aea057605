using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Atelier.Tensors;

namespace Atelier.Kernels;

/// <summary>
/// Attention head by head in fp32, within the cache: sixteen queries at a time with the keys that they attend to, so
/// that what is masked is hardly computed. The backward pass computes the weights again from the logarithms of the
/// softmax's sums (Dao et al. 2022, section 3.1).
/// </summary>
/// <param name="layout">The positions of heads in memory.</param>
/// <param name="turn">The tables that rotate queries and keys, or none.</param>
/// <param name="dropout">Sets weights to zero.</param>
internal readonly unsafe struct AttentionKernel(AttentionLayout layout, RotaryTables turn, DropoutMask dropout)
    : IAttentionKernel
{
    private const int Lanes = Bf16.Lanes; // and queries at a time
    private readonly int _time = layout.PaddedTime, _span = layout.PaddedSpan, _size = layout.Size;
    private readonly float _scale = (float)(1 / Math.Sqrt(layout.Size));
    private readonly HeadKernel _queries = new(layout.Time, layout.PaddedTime, layout.Size),
        _keys = new(layout.Span, layout.PaddedSpan, layout.Size);

    private long QueryMatrix => (long)_time * _size;

    private long KeyMatrix => (long)_span * _size;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Forward(ushort* queries, ushort* keys, ushort* mixed, float* logSums)
    {
        using var scratch = new Scratch((3 * KeyMatrix) + (2 * QueryMatrix) + (Lanes * _span));
        float* k = scratch.Take(KeyMatrix), turned = scratch.Take(KeyMatrix), v = scratch.Take(KeyMatrix),
            q = scratch.Take(QueryMatrix), o = scratch.Take(QueryMatrix), weights = scratch.Take(Lanes * _span);
        for (int place = 0; place < layout.Batch * layout.KeyValueHeads; place++)
        {
            (int batch, int shared) = Math.DivRem(place, layout.KeyValueHeads);
            ushort* keyRows = keys + ((long)batch * layout.Span * layout.KeyRow),
                queryRows = queries + ((long)batch * layout.Time * layout.QueryRow);
            int known = layout.KeysOf(batch);
            _keys.Read(keyRows + layout.KeyAt(shared), layout.KeyRow, turned, 1, turn);
            _keys.Transpose(turned, k); // [size, padded span]
            _keys.Read(keyRows + layout.ValueAt(shared), layout.KeyRow, v, 1, default);
            for (int head = shared * layout.Group; head < (shared + 1) * layout.Group; head++)
            {
                _queries.Read(queryRows + (head * _size), layout.QueryRow, q, _scale, turn);
                float* sums = logSums + ((((long)batch * layout.Heads) + head) * _time);
                for (int first = 0; first < _time; first += Lanes)
                {
                    int span = layout.SpanOf(first, known);
                    SmallProduct.Run(q + (first * _size), _size, 1, k, _span, weights, _span, Lanes, span, _size,
                        add: false);
                    for (int r = 0; r < Lanes; r++)
                    {
                        sums[first + r] = Softmax(weights + (r * _span), layout.SeenOf(r, known), span,
                            (sums - logSums + first + r) * _span);
                    }
                    SmallProduct.Run(weights, _span, 1, v, _size, o + (first * _size), _size, Lanes, _size, span,
                        add: false);
                }
                _queries.Write(o, mixed + ((long)batch * layout.Time * layout.MixedRow) + (head * _size),
                    layout.MixedRow, 1, default);
            }
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Backward(ushort* queries, ushort* keys, ushort* mixed, float* logSums, ushort* dMixed,
        ushort* dQueries, ushort* dKeys)
    {
        using var scratch = new Scratch((5 * KeyMatrix) + (4 * QueryMatrix) + (2 * Lanes * _span) + _time);
        float* k = scratch.Take(KeyMatrix), kColumns = scratch.Take(KeyMatrix), vColumns = scratch.Take(KeyMatrix),
            dK = scratch.Take(KeyMatrix), dV = scratch.Take(KeyMatrix);
        float* q = scratch.Take(QueryMatrix), dO = scratch.Take(QueryMatrix), dQ = scratch.Take(QueryMatrix),
            o = scratch.Take(QueryMatrix);
        float* weights = scratch.Take(Lanes * _span), dScores = scratch.Take(Lanes * _span),
            along = scratch.Take(_time);
        for (int place = 0; place < layout.Batch * layout.KeyValueHeads; place++)
        {
            (int batch, int shared) = Math.DivRem(place, layout.KeyValueHeads);
            long keysAt = (long)batch * layout.Span * layout.KeyRow,
                queriesAt = (long)batch * layout.Time * layout.QueryRow,
                mixedAt = (long)batch * layout.Time * layout.MixedRow;
            int known = layout.KeysOf(batch);
            _keys.Read(keys + keysAt + layout.ValueAt(shared), layout.KeyRow, k, 1, default);
            _keys.Transpose(k, vColumns);
            _keys.Read(keys + keysAt + layout.KeyAt(shared), layout.KeyRow, k, 1, turn);
            _keys.Transpose(k, kColumns);
            new Span<float>(dK, (int)KeyMatrix).Clear();
            new Span<float>(dV, (int)KeyMatrix).Clear();
            for (int head = shared * layout.Group; head < (shared + 1) * layout.Group; head++)
            {
                float* sums = logSums + ((((long)batch * layout.Heads) + head) * _time);
                _queries.Read(queries + queriesAt + (head * _size), layout.QueryRow, q, _scale, turn);
                _queries.Read(dMixed + mixedAt + (head * _size), layout.MixedRow, dO, 1, default);
                _queries.Read(mixed + mixedAt + (head * _size), layout.MixedRow, o, 1, default);
                for (int t = 0; t < _time; t++)
                    along[t] = Dot(dO + (t * _size), o + (t * _size));
                for (int first = 0; first < _time; first += Lanes)
                {
                    int span = layout.SpanOf(first, known);
                    float* some = q + (first * _size), dMix = dO + (first * _size);
                    SmallProduct.Run(some, _size, 1, kColumns, _span, weights, _span, Lanes, span, _size, add: false);
                    SmallProduct.Run(dMix, _size, 1, vColumns, _span, dScores, _span, Lanes, span, _size, add: false);
                    for (int r = 0; r < Lanes; r++)
                        SoftmaxBackward(weights + (r * _span), dScores + (r * _span), sums[first + r],
                            along[first + r], layout.SeenOf(r, known), span, (sums - logSums + first + r) * _span);
                    SmallProduct.Run(weights, 1, _span, dMix, _size, dV, _size, span, _size, Lanes, add: true);
                    SmallProduct.Run(dScores, 1, _span, some, _size, dK, _size, span, _size, Lanes, add: true);
                    SmallProduct.Run(dScores, _span, 1, k, _size, dQ + (first * _size), _size, Lanes, _size, span,
                        add: false);
                }
                _queries.Write(dQ, dQueries + queriesAt + (head * _size), layout.QueryRow, _scale, turn);
            }
            _keys.Write(dK, dKeys + keysAt + layout.KeyAt(shared), layout.KeyRow, 1, turn);
            _keys.Write(dV, dKeys + keysAt + layout.ValueAt(shared), layout.KeyRow, 1, default);
        }
    }

    /// <summary>
    /// Replaces scores by weights, of the last sixteen the first <paramref name="seen"/> and zeros after, some of them
    /// dropped; gives log Σ exp.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private float Softmax(float* row, int seen, int span, long index)
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
        {
            Vector512<float> weight = Vector512.Load(row + i) * factor;
            (dropout.IsActive ? weight * dropout.At(index + i) : weight).Store(row + i);
        }
        return most + MathF.Log(sum);
    }

    /// <summary>
    /// Replaces scores s by weights w = exp(s − log Σ exp) times the factors f of dropout, and their gradients g by
    /// w (f g − Σ w f g), that of the scores.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void SoftmaxBackward(float* row, float* gradient, float logSum, float along, int seen, int span,
        long index)
    {
        int last = span - Lanes;
        Vector512<float> shift = Vector512.Create(logSum), middle = Vector512.Create(along);
        for (int i = 0; i < span; i += Lanes)
        {
            Vector512<float> weight = VectorMath.Exp(Vector512.Load(row + i) - shift);
            if (i == last)
                weight &= Seen(seen);
            Vector512<float> kept = dropout.IsActive ? dropout.At(index + i) : Vector512<float>.One;
            (weight * kept).Store(row + i);
            (weight * ((Vector512.Load(gradient + i) * kept) - middle)).Store(gradient + i);
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
