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
internal readonly unsafe struct AttentionTiles(AttentionLayout layout, RotaryTables turn) : IAttentionKernel
{
    private const int Lanes = Bf16.Lanes; // and queries at a time
    private readonly int _time = layout.Time, _padded = layout.Padded, _size = layout.Size,
        _pairs = (layout.Time + 1) / 2;
    private readonly float _scale = (float)(1 / Math.Sqrt(layout.Size));
    private readonly HeadKernel _head = new(layout.Time, layout.Padded, layout.Size);

    // Queries whose weights are held together on the way back: the more, the longer the sums; the fewer, the fewer
    // masked ones.
    private int Chunk => _padded >= 128 ? 64 : 32;

    private long Matrix => (long)_padded * _size; // numbers of a head; in bf16 they take half as many of fp32

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Forward(ushort* qkv, ushort* mixed, float* logSums)
    {
        using var scratch = new Scratch((3 * Matrix) + (2 * Lanes * _padded));
        float* turned = scratch.Take(Matrix), scores = scratch.Take(Lanes * _padded);
        var room = (ushort*)scratch.Take(Matrix / 2);
        var weights = (ushort*)scratch.Take(Lanes * _padded);
        var keys = new Panels((nint)scratch.Take(Matrix / 2), _size, _padded);
        var values = new Panels((nint)scratch.Take(Matrix / 2), _padded, _size);
        for (int place = 0; place < layout.Batch * layout.KeyValueHeads; place++)
        {
            (int batch, int shared) = Math.DivRem(place, layout.KeyValueHeads);
            ushort* rows = qkv + ((long)batch * _time * layout.Row);
            ushort* k = Turned(rows + layout.KeyAt(shared), turned, room, out long row);
            PackColumns(k, row, keys);
            PackRows(rows + layout.ValueAt(shared), layout.Row, values);
            for (int head = shared * layout.Group; head < (shared + 1) * layout.Group; head++)
            {
                ushort* q = Turned(rows + (head * _size), turned, room, out row);
                float* sums = logSums + ((((long)batch * layout.Heads) + head) * _padded);
                ushort* made = mixed + ((long)batch * _time * layout.MixedRow) + (head * _size);
                for (int first = 0; first < _time; first += Lanes)
                {
                    int count = Math.Min(Lanes, _time - first), span = first + Lanes;
                    Bf16Product.RunBriefly(LeftFactor.Rows(q + (first * row), row, count), keys, 0, _size / 2, span,
                        GemmOutput.Single, scores, _padded);
                    for (int r = 0; r < count; r++)
                        sums[first + r] = Softmax(scores + (r * _padded), weights + (r * _padded), r + 1, span);
                    Bf16Product.RunBriefly(LeftFactor.Rows(weights, _padded, count), values, 0,
                        Math.Min(span / 2, _pairs), _size,
                        GemmOutput.Bf16, made + ((long)first * layout.MixedRow), layout.MixedRow);
                }
            }
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Backward(ushort* qkv, ushort* mixed, float* logSums, ushort* dMixed, ushort* dQkv)
    {
        int chunk = Chunk;
        using var scratch = new Scratch((8 * Matrix) + (((2 * Lanes) + (3 * chunk / 2) + 1) * (long)_padded));
        float* turned = scratch.Take(Matrix), dQ = scratch.Take(Matrix), dK = scratch.Take(Matrix),
            dV = scratch.Take(Matrix);
        float* scores = scratch.Take(Lanes * _padded), dWeights = scratch.Take(Lanes * _padded),
            along = scratch.Take(_padded);
        ushort* roomOfK = (ushort*)scratch.Take(Matrix / 2), roomOfQ = (ushort*)scratch.Take(Matrix / 2);
        ushort* weights = (ushort*)scratch.Take((long)chunk * _padded / 2),
            dScores = (ushort*)scratch.Take((long)chunk * _padded / 2);
        uint* pairs = (uint*)scratch.Take((long)chunk * _padded / 2);
        Panels keys = new((nint)scratch.Take(Matrix / 2), _size, _padded),
            values = new((nint)scratch.Take(Matrix / 2), _size, _padded);
        Panels keyRows = new((nint)scratch.Take(Matrix / 2), _padded, _size),
            queryRows = new((nint)scratch.Take(Matrix / 2), _padded, _size);
        Panels dMixedRows = new((nint)scratch.Take(Matrix / 2), _padded, _size);
        for (int place = 0; place < layout.Batch * layout.KeyValueHeads; place++)
        {
            (int batch, int shared) = Math.DivRem(place, layout.KeyValueHeads);
            long at = (long)batch * _time * layout.Row, mixedAt = (long)batch * _time * layout.MixedRow;
            ushort* k = Turned(qkv + at + layout.KeyAt(shared), turned, roomOfK, out long kRow);
            PackColumns(k, kRow, keys);
            PackRows(k, kRow, keyRows);
            PackColumns(qkv + at + layout.ValueAt(shared), layout.Row, values);
            for (int head = shared * layout.Group; head < (shared + 1) * layout.Group; head++)
            {
                float* sums = logSums + ((((long)batch * layout.Heads) + head) * _padded);
                ushort* dO = dMixed + mixedAt + (head * _size), o = mixed + mixedAt + (head * _size),
                    dQuery = dQkv + at + (head * _size);
                ushort* q = Turned(qkv + at + (head * _size), turned, roomOfQ, out long row);
                PackRows(q, row, queryRows);
                PackRows(dO, layout.MixedRow, dMixedRows);
                for (int t = 0; t < _time; t++)
                    along[t] = Dot(dO + ((long)t * layout.MixedRow), o + ((long)t * layout.MixedRow));
                // the last chunk meets all keys
                GemmOutput sum = head == shared * layout.Group ? GemmOutput.Single : GemmOutput.Added;
                for (int from = (_time - 1) / chunk * chunk; from >= 0; from -= chunk, sum = GemmOutput.Added)
                {
                    int rows = Math.Min(chunk, _time - from), widest = Bf16.WholeRegisters(from + rows);
                    for (int first = from; first < from + rows; first += Lanes)
                    {
                        int count = Math.Min(Lanes, _time - first), span = first + Lanes,
                            begin = (first - from) * _padded;
                        var queries = LeftFactor.Rows(q + (first * row), row, count);
                        var dMix = LeftFactor.Rows(dO + ((long)first * layout.MixedRow), layout.MixedRow, count);
                        Bf16Product.RunBriefly(queries, keys, 0, _size / 2, span, GemmOutput.Single, scores, _padded);
                        Bf16Product.RunBriefly(dMix, values, 0, _size / 2, span, GemmOutput.Single, dWeights, _padded);
                        for (int r = 0, line = begin; r < count; r++, line += _padded)
                        {
                            SoftmaxBackward(scores + (r * _padded), dWeights + (r * _padded), weights + line,
                                dScores + line,
                                sums[first + r], along[first + r], r + 1, span, widest);
                        }
                        var left = LeftFactor.Rows(dScores + begin, _padded, count);
                        int depth = Math.Min(span / 2, _pairs);
                        if (turn.IsEmpty)
                            Bf16Product.RunBriefly(left, keyRows, 0, depth, _size, GemmOutput.Bf16,
                                dQuery + ((long)first * layout.Row), layout.Row);
                        else
                            Bf16Product.RunBriefly(left, keyRows, 0, depth, _size, GemmOutput.Single,
                                dQ + (first * _size), _size);
                    }
                    int met = (rows + 1) / 2;
                    Packing.PairRows(weights, _padded, rows, widest, pairs, _padded);
                    Bf16Product.RunBriefly(LeftFactor.Pairs(pairs, _padded, widest), dMixedRows, from / 2, met, _size,
                        sum, dV, _size);
                    Packing.PairRows(dScores, _padded, rows, widest, pairs, _padded);
                    Bf16Product.RunBriefly(LeftFactor.Pairs(pairs, _padded, widest), queryRows, from / 2, met, _size,
                        sum, dK, _size);
                }
                if (!turn.IsEmpty)
                    _head.Write(dQ, dQuery, layout.Row, 1, turn);
            }
            _head.Write(dK, dQkv + at + layout.KeyAt(shared), layout.Row, 1, turn);
            _head.Write(dV, dQkv + at + layout.ValueAt(shared), layout.Row, 1, default);
        }
    }

    /// <summary>A head where it lies, or turned and rounded in a room of its own.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private ushort* Turned(ushort* head, float* turned, ushort* room, out long row)
    {
        row = turn.IsEmpty ? layout.Row : _size;
        if (turn.IsEmpty)
            return head;
        _head.Read(head, layout.Row, turned, 1, turn);
        Bf16.Round(turned, room, Matrix);
        return room;
    }

    /// <summary>The factor [size, places] from rows of places.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void PackColumns(ushort* rows, long row, in Panels to)
    {
        for (int panel = 0; panel < to.Count; panel++)
        {
            int from = panel * Panels.Width;
            Packing.PairColumns(rows + (from * row), row, Math.Min(Panels.Width, _time - from), _size, to.Of(panel),
                to.ColumnsOf(panel));
        }
    }

    /// <summary>The factor [places, size].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void PackRows(ushort* rows, long row, in Panels to)
    {
        for (int panel = 0; panel < to.Count; panel++)
            Packing.PairRows(rows + (panel * Panels.Width), row, _time, to.ColumnsOf(panel), to.Of(panel),
                to.ColumnsOf(panel));
    }

    /// <summary>
    /// Turns scores into weights, of the last sixteen the first <paramref name="seen"/> and zeros after; gives log Σ
    /// exp.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private float Softmax(float* scores, ushort* weights, int seen, int span)
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
            Bf16.Store(weights + i, Vector512.Load(scores + i) * factor);
        return most + MathF.Log(sum);
    }

    /// <summary>
    /// From scores s the weights w = exp(s c − log Σ exp), c the scale, and from their gradients g that of the scores,
    /// c w (g − Σ w g); zeros from the span to the widest row's.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void SoftmaxBackward(float* scores, float* gradient, ushort* weights, ushort* dScores, float logSum,
        float along, int seen, int span, int widest)
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
            Bf16.Store(weights + i, weight);
            Bf16.Store(dScores + i, weight * scale * (Vector512.Load(gradient + i) - middle));
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
