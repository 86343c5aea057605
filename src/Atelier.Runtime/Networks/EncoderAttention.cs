using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>
/// Attention of every token to all tokens of its sequence, one head of one sequence at a time: two products with many
/// vectors, whose weights are the keys and the values.
/// </summary>
internal sealed unsafe class EncoderAttention
{
    private const int MostQueries = 48; // their scores should stay in the L2 cache

    private readonly KernelPath _path;
    private readonly int _hidden, _size, _panels;
    private readonly float _scale;
    private readonly float*[] _keys, _values, _queries, _scores; // one buffer for each worker

    /// <summary>Allocates the buffers.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="path">The kernels.</param>
    /// <param name="scratch">The memory.</param>
    /// <param name="workers">Number of workers.</param>
    /// <param name="longest">The largest number of tokens in a sequence.</param>
    public EncoderAttention(EncoderConfig config, KernelPath path, PassScratch scratch, int workers, int longest)
    {
        (_path, _hidden, _size) = (path, config.HiddenSize, config.HeadSize);
        _panels = (_size + path.PanelRows - 1) / path.PanelRows;
        _scale = 1 / MathF.Sqrt(_size);
        (_keys, _values, _queries, _scores) =
            (new float*[workers], new float*[workers], new float*[workers], new float*[workers]);
        for (int worker = 0; worker < workers; worker++)
        {
            _keys[worker] = scratch.Floats((long)(longest + path.PanelRows) * _size);
            _values[worker] = scratch.Floats((long)longest * _panels * path.PanelRows);
            _queries[worker] = scratch.Floats(MostQueries * _size);
            _scores[worker] = scratch.Floats((long)MostQueries * longest);
        }
    }

    /// <summary>Computes softmax(Q Kᵀ / √size) V of one head (Vaswani et al. 2017, eq. 1).</summary>
    /// <param name="worker">The number of the worker.</param>
    /// <param name="count">Number of tokens.</param>
    /// <param name="head">The head.</param>
    /// <param name="queries">The queries of the sequence, [tokens, hidden].</param>
    /// <param name="keys">The keys.</param>
    /// <param name="values">The values.</param>
    /// <param name="mixed">Filled with the results.</param>
    public void Mix(int worker, int count, int head, float* queries, float* keys, float* values, float* mixed)
    {
        int first = head * _size, height = _path.PanelRows;
        for (int t = 0; t < count; t++)
            Pack(worker, t, count, keys + (long)t * _hidden + first, values + (long)t * _hidden + first);
        // The rows of the first product's weights are the keys; those of the second's are the values' components.
        PackedRows scorers = new((byte*)_keys[worker], count, _size, WeightType.F32, height),
            mixers = new((byte*)_values[worker], _size, count, WeightType.F32, height);
        float* scores = _scores[worker], scaled = _queries[worker];
        for (int start = 0; start < count; start += MostQueries)
        {
            int some = Math.Min(MostQueries, count - start);
            for (int t = 0; t < some; t++)
            {
                float* query = queries + (long)(start + t) * _hidden + first;
                for (int i = 0; i < _size; i++)
                    scaled[t * _size + i] = query[i] * _scale;
            }
            _path.MultiplyPacked(scorers, 0, count, null, scaled, some, scores, count);
            for (int t = 0; t < some; t++)
                _path.SoftMax(scores + (long)t * count, count);
            _path.MultiplyPacked(mixers, 0, _size, null, scores, some, mixed + (long)start * _hidden + first, _hidden);
        }
    }

    /// <summary>Copies the key and the value of a token into the panels of the two products.</summary>
    private void Pack(int worker, int token, int count, float* key, float* value)
    {
        int height = _path.PanelRows;
        float* to = _keys[worker] + (long)(token / height) * height * _size + token % height;
        for (int i = 0; i < _size; i++)
            to[(long)i * height] = key[i];
        for (int panel = 0; panel < _panels; panel++)
        {
            int start = panel * height, length = Math.Min(height, _size - start);
            new ReadOnlySpan<float>(value + start, length)
                .CopyTo(new Span<float>(_values[worker] + ((long)panel * count + token) * height, length));
        }
    }
}
