using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Atelier.Kernels.Gemm;
using Atelier.Tensors;

namespace Atelier.Kernels;

/// <summary>
/// Attention by <see cref="Bf16Product"/>, with factors in bf16 and sums in fp32: the scores of sixteen queries at a
/// time, and the gradients of keys and values from those of a chunk of queries together. Queries, and gradients of the
/// results, are read in place.
/// </summary>
/// <param name="layout">The positions of heads in memory.</param>
/// <param name="turn">The tables that rotate queries and keys, or none.</param>
/// <param name="dropout">Sets weights to zero.</param>
internal readonly unsafe struct AttentionTiles(AttentionLayout layout, RotaryTables turn, DropoutMask dropout)
    : IAttentionKernel
{
    private const int Lanes = Bf16.Lanes; // and queries at a time
    private readonly int _time = layout.Time, _span = layout.PaddedSpan, _size = layout.Size;
    private readonly float _scale = (float)(1 / Math.Sqrt(layout.Size));
    private readonly HeadKernel _queries = new(layout.Time, layout.PaddedTime, layout.Size),
        _keys = new(layout.Span, layout.PaddedSpan, layout.Size);

    // Queries whose weights are held together on the way back: the more, the longer the sums; the fewer, the fewer
    // masked ones.
    private int Chunk => _span >= 128 ? 64 : 32;

    // numbers of a head; in bf16 they take half as many of fp32
    private long QueryMatrix => (long)layout.PaddedTime * _size;

    private long KeyMatrix => (long)_span * _size;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Forward(ushort* queries, ushort* keys, ushort* mixed, float* logSums)
    {
        long larger = Math.Max(QueryMatrix, KeyMatrix);
        using var scratch = new Scratch((2 * larger) + KeyMatrix + (2 * Lanes * _span));
        float* turned = scratch.Take(larger), scores = scratch.Take(Lanes * _span);
        var room = (ushort*)scratch.Take(larger / 2);
        var weights = (ushort*)scratch.Take(Lanes * _span);
        var k = new Panels((nint)scratch.Take(KeyMatrix / 2), _size, _span);
        var v = new Panels((nint)scratch.Take(KeyMatrix / 2), _span, _size);
        for (int place = 0; place < layout.Batch * layout.KeyValueHeads; place++)
        {
            (int batch, int shared) = Math.DivRem(place, layout.KeyValueHeads);
            ushort* keyRows = keys + ((long)batch * layout.Span * layout.KeyRow),
                queryRows = queries + ((long)batch * _time * layout.QueryRow);
            int known = layout.KeysOf(batch);
            ushort* lying = Turned(_keys, keyRows + layout.KeyAt(shared), layout.KeyRow, turned, room, out long row);
            PackColumns(lying, row, known, k);
            PackRows(keyRows + layout.ValueAt(shared), layout.KeyRow, known, v);
            for (int head = shared * layout.Group; head < (shared + 1) * layout.Group; head++)
            {
                ushort* q = Turned(_queries, queryRows + (head * _size), layout.QueryRow, turned, room, out row);
                float* sums = logSums + ((((long)batch * layout.Heads) + head) * layout.PaddedTime);
                ushort* made = mixed + ((long)batch * _time * layout.MixedRow) + (head * _size);
                for (int first = 0; first < _time; first += Lanes)
                {
                    int count = Math.Min(Lanes, _time - first), span = layout.SpanOf(first, known);
                    Bf16Product.RunBriefly(LeftFactor.Rows(q + (first * row), row, count), k, 0, _size / 2, span,
                        GemmOutput.Single, scores, _span);
                    for (int r = 0; r < count; r++)
                    {
                        sums[first + r] = Softmax(scores + (r * _span), weights + (r * _span),
                            layout.SeenOf(r, known), span, (sums - logSums + first + r) * _span);
                    }
                    Bf16Product.RunBriefly(LeftFactor.Rows(weights, _span, count), v, 0,
                        Math.Min(span / 2, (known + 1) / 2), _size, GemmOutput.Bf16,
                        made + ((long)first * layout.MixedRow), layout.MixedRow);
                }
            }
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Backward(ushort* queries, ushort* keys, ushort* mixed, float* logSums, ushort* dMixed,
        ushort* dQueries, ushort* dKeys)
    {
        int chunk = Chunk;
        long larger = Math.Max(QueryMatrix, KeyMatrix);
        using var scratch = new Scratch(larger + (3 * QueryMatrix) + (4 * KeyMatrix) + layout.PaddedTime
            + (((2 * Lanes) + (3 * chunk / 2)) * (long)_span));
        float* turned = scratch.Take(larger), dQ = scratch.Take(QueryMatrix), dK = scratch.Take(KeyMatrix),
            dV = scratch.Take(KeyMatrix);
        float* scores = scratch.Take(Lanes * _span), dWeights = scratch.Take(Lanes * _span),
            along = scratch.Take(layout.PaddedTime);
        ushort* roomOfK = (ushort*)scratch.Take(KeyMatrix / 2), roomOfQ = (ushort*)scratch.Take(QueryMatrix / 2);
        ushort* weights = (ushort*)scratch.Take((long)chunk * _span / 2),
            dScores = (ushort*)scratch.Take((long)chunk * _span / 2);
        uint* pairs = (uint*)scratch.Take((long)chunk * _span / 2);
        Panels kColumns = new((nint)scratch.Take(KeyMatrix / 2), _size, _span),
            vColumns = new((nint)scratch.Take(KeyMatrix / 2), _size, _span),
            kRows = new((nint)scratch.Take(KeyMatrix / 2), _span, _size);
        Panels queryRows = new((nint)scratch.Take(QueryMatrix / 2), layout.PaddedTime, _size),
            dMixedRows = new((nint)scratch.Take(QueryMatrix / 2), layout.PaddedTime, _size);
        for (int place = 0; place < layout.Batch * layout.KeyValueHeads; place++)
        {
            (int batch, int shared) = Math.DivRem(place, layout.KeyValueHeads);
            long keysAt = (long)batch * layout.Span * layout.KeyRow, queriesAt = (long)batch * _time * layout.QueryRow,
                mixedAt = (long)batch * _time * layout.MixedRow;
            int known = layout.KeysOf(batch);
            ushort* k = Turned(_keys, keys + keysAt + layout.KeyAt(shared), layout.KeyRow, turned, roomOfK,
                out long kRow);
            PackColumns(k, kRow, known, kColumns);
            PackRows(k, kRow, known, kRows);
            PackColumns(keys + keysAt + layout.ValueAt(shared), layout.KeyRow, known, vColumns);
            for (int head = shared * layout.Group; head < (shared + 1) * layout.Group; head++)
            {
                float* sums = logSums + ((((long)batch * layout.Heads) + head) * layout.PaddedTime);
                ushort* dO = dMixed + mixedAt + (head * _size), o = mixed + mixedAt + (head * _size),
                    dQuery = dQueries + queriesAt + (head * _size);
                ushort* q = Turned(_queries, queries + queriesAt + (head * _size), layout.QueryRow, turned, roomOfQ,
                    out long row);
                PackRows(q, row, _time, queryRows);
                PackRows(dO, layout.MixedRow, _time, dMixedRows);
                for (int t = 0; t < _time; t++)
                    along[t] = Dot(dO + ((long)t * layout.MixedRow), o + ((long)t * layout.MixedRow));
                // the last chunk meets all keys
                GemmOutput sum = head == shared * layout.Group ? GemmOutput.Single : GemmOutput.Added;
                for (int from = (_time - 1) / chunk * chunk; from >= 0; from -= chunk, sum = GemmOutput.Added)
                {
                    int rows = Math.Min(chunk, _time - from),
                        widest = layout.SpanOf(from + ((rows - 1) / Lanes * Lanes), known);
                    for (int first = from; first < from + rows; first += Lanes)
                    {
                        int count = Math.Min(Lanes, _time - first), span = layout.SpanOf(first, known),
                            begin = (first - from) * _span;
                        var some = LeftFactor.Rows(q + (first * row), row, count);
                        var dMix = LeftFactor.Rows(dO + ((long)first * layout.MixedRow), layout.MixedRow, count);
                        Bf16Product.RunBriefly(some, kColumns, 0, _size / 2, span, GemmOutput.Single, scores, _span);
                        Bf16Product.RunBriefly(dMix, vColumns, 0, _size / 2, span, GemmOutput.Single, dWeights, _span);
                        for (int r = 0, line = begin; r < count; r++, line += _span)
                        {
                            SoftmaxBackward(scores + (r * _span), dWeights + (r * _span), weights + line,
                                dScores + line, sums[first + r], along[first + r], layout.SeenOf(r, known), span,
                                widest, (sums - logSums + first + r) * _span);
                        }
                        var left = LeftFactor.Rows(dScores + begin, _span, count);
                        int depth = Math.Min(span / 2, (known + 1) / 2);
                        if (turn.IsEmpty)
                            Bf16Product.RunBriefly(left, kRows, 0, depth, _size, GemmOutput.Bf16,
                                dQuery + ((long)first * layout.QueryRow), layout.QueryRow);
                        else
                            Bf16Product.RunBriefly(left, kRows, 0, depth, _size, GemmOutput.Single,
                                dQ + (first * _size), _size);
                    }
                    int met = (rows + 1) / 2;
                    Packing.PairRows(weights, _span, rows, widest, pairs, _span);
                    Bf16Product.RunBriefly(LeftFactor.Pairs(pairs, _span, widest), dMixedRows, from / 2, met, _size,
                        sum, dV, _size);
                    Packing.PairRows(dScores, _span, rows, widest, pairs, _span);
                    Bf16Product.RunBriefly(LeftFactor.Pairs(pairs, _span, widest), queryRows, from / 2, met, _size,
                        sum, dK, _size);
                }
                if (!turn.IsEmpty)
                    _queries.Write(dQ, dQuery, layout.QueryRow, 1, turn);
            }
            int reached = Bf16.WholeRegisters(known); // no query attends to the padding after these
            new Span<float>(dK + ((long)reached * _size), (_span - reached) * _size).Clear();
            new Span<float>(dV + ((long)reached * _size), (_span - reached) * _size).Clear();
            _keys.Write(dK, dKeys + keysAt + layout.KeyAt(shared), layout.KeyRow, 1, turn);
            _keys.Write(dV, dKeys + keysAt + layout.ValueAt(shared), layout.KeyRow, 1, default);
        }
    }

    /// <summary>A head where it lies, or turned and rounded in a room of its own.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private ushort* Turned(in HeadKernel reader, ushort* head, int headRow, float* turned, ushort* room, out long row)
    {
        row = turn.IsEmpty ? headRow : _size;
        if (turn.IsEmpty)
            return head;
        reader.Read(head, headRow, turned, 1, turn);
        Bf16.Round(turned, room, QueryMatrix); // rotary positions are of self-attention, where the matrices are alike
        return room;
    }

    /// <summary>The factor [size, places] from rows of places.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void PackColumns(ushort* rows, long row, int count, in Panels to)
    {
        for (int panel = 0; panel < to.Count; panel++)
        {
            int from = panel * Panels.Width;
            Packing.PairColumns(rows + (from * row), row, Math.Min(Panels.Width, count - from), _size, to.Of(panel),
                to.ColumnsOf(panel));
        }
    }

    /// <summary>The factor [places, size].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackRows(ushort* rows, long row, int count, in Panels to)
    {
        for (int panel = 0; panel < to.Count; panel++)
            Packing.PairRows(rows + (panel * Panels.Width), row, count, to.ColumnsOf(panel), to.Of(panel),
                to.ColumnsOf(panel));
    }

    /// <summary>
    /// Turns scores into weights, of the last sixteen the first <paramref name="seen"/> and zeros after, some of them
    /// dropped; gives log Σ exp.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private float Softmax(float* scores, ushort* weights, int seen, int span, long index)
    {
        int last = span - Lanes;
        Vector512<float> mask = AttentionKernel.Seen(seen), scale = Vector512.Create(_scale);
        Vector512<float> largest =
            Vector512.ConditionalSelect(mask, Vector512.Load(scores + last), Vector512.Create(float.NegativeInfinity));
        for (int i = 0; i < last; i += Lanes)
            largest = Avx512F.Max(largest, Vector512.Load(scores + i));
        float most = AttentionKernel.Largest(largest) * _scale;
        Vector512<float> shift = Vector512.Create(-most);
        Vector512<float> total =
            VectorMath.Exp(Vector512.FusedMultiplyAdd(Vector512.Load(scores + last), scale, shift)) & mask;
        total.Store(scores + last);
        for (int i = 0; i < last; i += Lanes)
        {
            Vector512<float> exponential =
                VectorMath.Exp(Vector512.FusedMultiplyAdd(Vector512.Load(scores + i), scale, shift));
            exponential.Store(scores + i);
            total += exponential;
        }
        float sum = Vector512.Sum(total);
        Vector512<float> factor = Vector512.Create(1 / sum);
        for (int i = 0; i < span; i += Lanes)
        {
            Vector512<float> weight = Vector512.Load(scores + i) * factor;
            Bf16.Store(weights + i, dropout.IsActive ? weight * dropout.At(index + i) : weight);
        }
        return most + MathF.Log(sum);
    }

    /// <summary>
    /// From scores s the weights w = exp(s c − log Σ exp), c the scale, times the factors f of dropout, and from their
    /// gradients g that of the scores, c w (f g − Σ w f g); zeros from the span to the widest row's.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void SoftmaxBackward(float* scores, float* gradient, ushort* weights, ushort* dScores, float logSum,
        float along, int seen, int span, int widest, long index)
    {
        int last = span - Lanes;
        Vector512<float> scale = Vector512.Create(_scale), shift = Vector512.Create(-logSum),
            middle = Vector512.Create(along);
        for (int i = 0; i < span; i += Lanes)
        {
            Vector512<float> weight =
                VectorMath.Exp(Vector512.FusedMultiplyAdd(Vector512.Load(scores + i), scale, shift));
            if (i == last)
                weight &= AttentionKernel.Seen(seen);
            Vector512<float> kept = dropout.IsActive ? dropout.At(index + i) : Vector512<float>.One;
            Bf16.Store(weights + i, weight * kept);
            Bf16.Store(dScores + i, weight * scale * ((Vector512.Load(gradient + i) * kept) - middle));
        }
        new Span<ushort>(weights + span, widest - span).Clear();
        new Span<ushort>(dScores + span, widest - span).Clear();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private float Dot(ushort* x, ushort* y)
    {
        Vector512<float> sum = Vector512<float>.Zero;
        for (int i = 0; i < _size; i += Lanes)
            sum = Vector512.FusedMultiplyAdd(Bf16.Load(x + i), Bf16.Load(y + i), sum);
        return Vector512.Sum(sum);
    }
}
