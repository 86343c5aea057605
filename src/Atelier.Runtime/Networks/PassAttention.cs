using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>Attention over the key-value cache, one key-value head at a time.</summary>
internal sealed unsafe class PassAttention
{
    private readonly KeyValuePages _pages;
    private readonly KernelPath _path;
    private readonly RotaryTable?[] _rotary; // by layer
    private readonly int[] _windows; // by layer; the whole context without a window
    private readonly float*[] _scores; // one buffer for each worker
    private readonly int _size, _group;
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
        _scores = new float*[workers];
        for (int worker = 0; worker < workers; worker++)
            _scores[worker] = scratch.Floats(config.ContextLength);
    }

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
        float* page = row.Sequence.Pages[row.Position / KeyValuePage.Tokens].Data;
        long within = Within(row.Position);
        new ReadOnlySpan<float>(key, _size)
            .CopyTo(new Span<float>(page + _pages.Offset(layer, values: false, head) + within, _size));
        new ReadOnlySpan<float>(value, _size)
            .CopyTo(new Span<float>(page + _pages.Offset(layer, values: true, head) + within, _size));
    }

    /// <summary>
    /// Computes softmax(scale · q Kᵀ) V for the query heads that share a key-value head (Vaswani et al. 2017, eq. 1).
    /// </summary>
    /// <param name="worker">The number of the worker.</param>
    /// <param name="row">The token.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="head">The key-value head.</param>
    /// <param name="queries">The queries of the token, all heads.</param>
    /// <param name="mixed">Filled with the result of the token, all heads.</param>
    /// <param name="trace">Receives the weights; null if they are not wanted.</param>
    public void Mix(int worker, in PassRow row, int layer, int head, float* queries, float* mixed,
        PassTrace? trace = null)
    {
        int count = row.Position + 1, first = Math.Max(0, count - _windows[layer]);
        long keys = _pages.Offset(layer, values: false, head), values = _pages.Offset(layer, values: true, head);
        KeyValuePage[] pages = row.Sequence.Pages;
        float* scores = _scores[worker];
        float scale = _cap == 0 ? _scale : _scale / _cap;
        for (int i = 0; i < _group; i++)
        {
            long at = (long)(head * _group + i) * _size;
            for (int start = first; start < count; start = EndOfPage(start, count))
            {
                float* page = pages[start / KeyValuePage.Tokens].Data + keys + Within(start);
                _path.Scores(queries + at, page, EndOfPage(start, count) - start, _size, scale, scores + start);
            }
            if (_cap != 0)
            {
                _path.Tanh(count - first, scores + first);
                _path.Scale(_cap, count - first, scores + first);
            }
            _path.SoftMax(scores + first, count - first);
            if (trace is not null)
                new ReadOnlySpan<float>(scores + first, count - first).CopyTo(new Span<float>(
                    trace.AttentionOf(layer, head * _group + i, row.Position) + first, count - first));
            new Span<float>(mixed + at, _size).Clear();
            for (int start = first; start < count; start = EndOfPage(start, count))
            {
                float* page = pages[start / KeyValuePage.Tokens].Data + values + Within(start);
                _path.AddWeighted(scores + start, page, EndOfPage(start, count) - start, _size, mixed + at);
            }
        }
    }

    private static int EndOfPage(int token, int count) =>
        Math.Min(count, (token / KeyValuePage.Tokens + 1) * KeyValuePage.Tokens);

    private long Within(int token) => (long)(token % KeyValuePage.Tokens) * _size;

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
