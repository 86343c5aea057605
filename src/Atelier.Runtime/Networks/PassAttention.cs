using System.Runtime.Intrinsics.X86;
using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>
/// Attention over the key-value cache, one key-value head at a time. Several tokens that follow one another in a
/// sequence read each page together, so that it is read from memory, and converted to single precision, once for all.
/// </summary>
internal sealed unsafe class PassAttention
{
    private const int MostRows = 16; // tokens that read a page together
    private const long MostScores = 1 << 18; // of them, if there are several

    private readonly KeyValuePages _pages;
    private readonly KernelPath _path;
    private readonly RotaryTable?[] _rotary; // by layer
    private readonly int[] _windows; // by layer; the whole context without a window
    private readonly float*[] _scores, _converted; // one buffer for each worker
    private readonly int _size, _group, _keyHeads, _context;
    private readonly float _scale, _cap, _epsilon;
    private readonly bool _hasHeadNorms; // otherwise norms of queries and keys are applied to all heads together

    public PassAttention(DecoderConfig config, KeyValuePages pages, KernelPath path, PassScratch scratch, int workers)
    {
        (_pages, _path) = (pages, path);
        (_size, _group) = (config.HeadSize, config.HeadCount / config.KeyValueHeadCount);
        _scale = (float)(config.AttentionScale ?? 1 / Math.Sqrt(_size));
        _cap = (float)(config.AttentionSoftCap ?? 0);
        _epsilon = (float)config.NormEpsilon;
        _hasHeadNorms = config.QueryKeyNorm == QueryKeyNormName.Head;
        _windows = [.. Enumerable.Range(0, config.LayerCount).Select(layer =>
            config.Window is { } window && window.Has(layer) ? window.Tokens : config.ContextLength)];
        _rotary = Tables(config);
        (_keyHeads, _context) = (config.KeyValueHeadCount, config.ContextLength);
        RowsAtOnce = (int)Math.Clamp(MostScores / ((long)_group * _context), 1, MostRows);
        (_scores, _converted) = (new float*[workers], new float*[workers]);
        for (int worker = 0; worker < workers; worker++)
        {
            _scores[worker] = scratch.Floats((long)RowsAtOnce * _group * _context);
            if (pages.Type != WeightType.F32)
                _converted[worker] = scratch.Floats((long)KeyValuePage.Tokens * _size);
        }
    }

    /// <summary>Number of tokens of a sequence that <see cref="Mix"/> takes at most.</summary>
    public int RowsAtOnce { get; }

    /// <summary>
    /// Stores a token's key and value of a head in the cache; normalises and rotates its key and queries first, if the
    /// model does so.
    /// </summary>
    /// <param name="row">The token.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="head">The key-value head.</param>
    /// <param name="block">The block, which may have norms of heads.</param>
    /// <param name="queries">The queries of the token, all heads.</param>
    /// <param name="keys">The keys of the token, all heads.</param>
    /// <param name="values">The values of the token, all heads.</param>
    public void Store(in PassRow row, int layer, int head, PassBlock block, float* queries, float* keys, float* values)
    {
        float* key = keys + head * _size, value = values + head * _size;
        Prepare(key, layer, row.Position, block.KeyNorm);
        for (int i = 0; i < _group; i++)
            Prepare(queries + (head * _group + i) * _size, layer, row.Position, block.QueryNorm);
        KeyValuePage page = row.Sequence.Pages[row.Position / KeyValuePage.Tokens];
        CacheRows.Encode(_pages.Type, key, _size, _pages.Row(page, layer, values: false, head, row.Position));
        CacheRows.Encode(_pages.Type, value, _size, _pages.Row(page, layer, values: true, head, row.Position));
    }

    /// <summary>
    /// Computes softmax(scale · q Kᵀ) V for the query heads that share a key-value head (Vaswani et al. 2017, eq. 1).
    /// </summary>
    /// <param name="worker">The number of the worker.</param>
    /// <param name="rows">Tokens that follow one another in a sequence, at most <see cref="RowsAtOnce"/>.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="head">The key-value head.</param>
    /// <param name="queries">The queries of the first token, all heads; those of the others follow.</param>
    /// <param name="mixed">Filled with the results, all heads, token after token.</param>
    /// <param name="trace">Receives the weights; null if they are not wanted.</param>
    public void Mix(int worker, ReadOnlySpan<PassRow> rows, int layer, int head, float* queries, float* mixed,
        PassTrace? trace = null)
    {
        int end = rows[^1].Position + 1, width = _group * _context;
        long stride = (long)_size * _group * _keyHeads, at = (long)head * _group * _size;
        float scale = _cap == 0 ? _scale : _scale / _cap;
        for (int start = First(rows[0], layer); start < end; start = EndOfPage(start, end))
        {
            float* keys = Read(worker, rows[0].Sequence, layer, values: false, head, start, end);
            for (int row = 0; row < rows.Length; row++)
            {
                (int from, int to) = Part(rows[row], layer, start, end);
                for (int i = 0; i < _group && from < to; i++)
                    _path.Scores(queries + row * stride + at + i * _size, keys + (long)(from - start) * _size,
                        to - from, _size, scale, _scores[worker] + (long)row * width + (long)i * _context + from);
            }
        }
        for (int row = 0; row < rows.Length; row++)
        {
            for (int i = 0; i < _group; i++)
                Weigh(rows[row], layer, head * _group + i, _scores[worker] + (long)row * width + (long)i * _context,
                    trace);
            new Span<float>(mixed + row * stride + at, _group * _size).Clear();
        }
        for (int start = First(rows[0], layer); start < end; start = EndOfPage(start, end))
        {
            float* values = Read(worker, rows[0].Sequence, layer, values: true, head, start, end);
            for (int row = 0; row < rows.Length; row++)
            {
                (int from, int to) = Part(rows[row], layer, start, end);
                for (int i = 0; i < _group && from < to; i++)
                    _path.AddWeighted(_scores[worker] + (long)row * width + (long)i * _context + from,
                        values + (long)(from - start) * _size, to - from, _size,
                        mixed + row * stride + at + i * _size);
            }
        }
    }

    /// <summary>Turns the scores of a query into weights.</summary>
    private void Weigh(in PassRow row, int layer, int head, float* scores, PassTrace? trace)
    {
        int first = First(row, layer), count = row.Position + 1 - first;
        scores += first;
        if (_cap != 0)
        {
            _path.Tanh(count, scores);
            _path.Scale(_cap, count, scores);
        }
        _path.SoftMax(scores, count);
        if (trace is not null)
            new ReadOnlySpan<float>(scores, count)
                .CopyTo(new Span<float>(trace.AttentionOf(layer, head, row.Position) + first, count));
    }

    /// <summary>Returns the first token that a token sees.</summary>
    private int First(in PassRow row, int layer) => Math.Max(0, row.Position + 1 - _windows[layer]);

    /// <summary>Returns the tokens of a page, from a first one on, that a token sees.</summary>
    private (int From, int To) Part(in PassRow row, int layer, int start, int end) =>
        (Math.Max(start, First(row, layer)), Math.Min(row.Position + 1, EndOfPage(start, end)));

    /// <summary>
    /// Returns keys or values of tokens in single precision, from a first one to the end of its page, and fetches those
    /// of the next page meanwhile.
    /// </summary>
    private float* Read(int worker, DecoderSequence sequence, int layer, bool values, int head, int start, int end)
    {
        int next = EndOfPage(start, end);
        byte* rows = _pages.Row(sequence.Pages[start / KeyValuePage.Tokens], layer, values, head, start);
        if (next < end && Sse.IsSupported)
        {
            byte* ahead = _pages.Row(sequence.Pages[next / KeyValuePage.Tokens], layer, values, head, next);
            int bytes = (EndOfPage(next, end) - next) * _pages.RowBytes;
            for (int line = 0; line < bytes; line += 64)
                Sse.Prefetch1(ahead + line);
        }
        if (_pages.Type == WeightType.F32)
            return (float*)rows;
        CacheRows.Decode(_pages.Type, rows, (next - start) * _size, _converted[worker]);
        return _converted[worker];
    }

    private static int EndOfPage(int token, int count) =>
        Math.Min(count, (token / KeyValuePage.Tokens + 1) * KeyValuePage.Tokens);

    /// <summary>Normalises and rotates the vector of one head.</summary>
    private void Prepare(float* head, int layer, int position, in PassNorm norm)
    {
        if (norm.Exists && _hasHeadNorms)
            _path.RmsNorm(head, norm.Weight, _size, _epsilon, head);
        _rotary[layer]?.Rotate(head, position);
    }

    /// <summary>Returns the rotary angles of each layer; null for a layer without rotary positions.</summary>
    private static RotaryTable?[] Tables(DecoderConfig config)
    {
        if (config.Positions != PositionName.Rotary)
            return new RotaryTable?[config.LayerCount];
        var usual = new RotaryTable(config);
        RotaryTable near = config.Window?.RopeTheta is not { } theta ? usual
            : new RotaryTable(config with { RopeTheta = theta, RopeScaling = null, RopeFactors = null });
        return [.. Enumerable.Range(0, config.LayerCount).Select(layer => config.RotaryLayers?[layer] == false ? null
            : config.Window?.Has(layer) == true ? near : usual)];
    }
}
