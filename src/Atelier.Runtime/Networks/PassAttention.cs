using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>Attention over the key-value cache, one key-value head at a time.</summary>
internal sealed unsafe class PassAttention
{
    private readonly KeyValuePages _pages;
    private readonly KernelPath _path;
    private readonly RotaryTable? _rotary;
    private readonly float*[] _scores; // one buffer for each worker
    private readonly int _size, _group;

    public PassAttention(DecoderConfig config, KeyValuePages pages, KernelPath path, PassScratch scratch, int workers)
    {
        (_pages, _path) = (pages, path);
        (_size, _group) = (config.HeadSize, config.HeadCount / config.KeyValueHeadCount);
        _rotary = config.Positions == PositionName.Rotary ? new RotaryTable(config) : null;
        _scores = new float*[workers];
        for (int worker = 0; worker < workers; worker++)
            _scores[worker] = scratch.Floats(config.ContextLength);
    }

    /// <summary>
    /// Stores a token's key and value of a head in the cache; with rotary positions, rotates its key and queries first.
    /// </summary>
    /// <param name="row">The token.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="head">The key-value head.</param>
    /// <param name="queries">The queries of the token, all heads.</param>
    /// <param name="keys">The keys of the token, all heads.</param>
    /// <param name="values">The values of the token, all heads.</param>
    public void Store(in PassRow row, int layer, int head, float* queries, float* keys, float* values)
    {
        float* key = keys + head * _size, value = values + head * _size;
        if (_rotary is not null)
        {
            _rotary.Rotate(key, row.Position);
            for (int i = 0; i < _group; i++)
                _rotary.Rotate(queries + (head * _group + i) * _size, row.Position);
        }
        float* page = row.Sequence.Pages[row.Position / KeyValuePage.Tokens].Data;
        long within = (long)(row.Position % KeyValuePage.Tokens) * _size;
        new ReadOnlySpan<float>(key, _size)
            .CopyTo(new Span<float>(page + _pages.Offset(layer, values: false, head) + within, _size));
        new ReadOnlySpan<float>(value, _size)
            .CopyTo(new Span<float>(page + _pages.Offset(layer, values: true, head) + within, _size));
    }

    /// <summary>
    /// Computes softmax(q Kᵀ / √size) V for the query heads that share a key-value head (Vaswani et al. 2017, eq. 1).
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
        int count = row.Position + 1;
        long keys = _pages.Offset(layer, values: false, head), values = _pages.Offset(layer, values: true, head);
        KeyValuePage[] pages = row.Sequence.Pages;
        float* scores = _scores[worker];
        float scale = 1 / MathF.Sqrt(_size);
        for (int i = 0; i < _group; i++)
        {
            long at = (long)(head * _group + i) * _size;
            for (int start = 0; start < count; start += KeyValuePage.Tokens)
            {
                float* page = pages[start / KeyValuePage.Tokens].Data + keys;
                _path.Scores(queries + at, page, Math.Min(KeyValuePage.Tokens, count - start), _size, scale,
                    scores + start);
            }
            _path.SoftMax(scores, count);
            if (trace is not null)
                new ReadOnlySpan<float>(scores, count).CopyTo(
                    new Span<float>(trace.AttentionOf(layer, head * _group + i, row.Position), count));
            new Span<float>(mixed + at, _size).Clear();
            for (int start = 0; start < count; start += KeyValuePage.Tokens)
            {
                float* page = pages[start / KeyValuePage.Tokens].Data + values;
                _path.AddWeighted(scores + start, page, Math.Min(KeyValuePage.Tokens, count - start), _size,
                    mixed + at);
            }
        }
    }
}
