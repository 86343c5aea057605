using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>Attention of every token to all tokens of its sequence, one head of one sequence at a time.</summary>
internal sealed unsafe class EncoderAttention
{
    private const int Lanes = 16; // a multiple of every register's width

    private readonly KernelPath _path;
    private readonly int _hidden, _size;
    private readonly float _scale;
    private readonly float*[] _keys, _values, _scores, _query; // one buffer for each worker

    /// <summary>Allocates the buffers.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="path">The kernels.</param>
    /// <param name="scratch">The memory.</param>
    /// <param name="workers">Number of workers.</param>
    /// <param name="longest">The largest number of tokens in a sequence.</param>
    public EncoderAttention(EncoderConfig config, KernelPath path, PassScratch scratch, int workers, int longest)
    {
        (_path, _hidden, _size) = (path, config.HiddenSize, config.HeadSize);
        _scale = 1 / MathF.Sqrt(_size);
        (_keys, _values, _scores, _query) =
            (new float*[workers], new float*[workers], new float*[workers], new float*[workers]);
        for (int worker = 0; worker < workers; worker++)
        {
            _keys[worker] = scratch.Floats((long)Padded(longest) * _size);
            _values[worker] = scratch.Floats((long)longest * _size);
            _scores[worker] = scratch.Floats(Padded(longest));
            _query[worker] = scratch.Floats(_size);
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
        int width = Padded(count);
        float* transposed = _keys[worker], packed = _values[worker], scores = _scores[worker], query = _query[worker];
        new Span<float>(transposed, width * _size).Clear();
        for (int t = 0; t < count; t++)
        {
            long at = (long)t * _hidden + head * _size;
            for (int i = 0; i < _size; i++)
                transposed[(long)i * width + t] = keys[at + i];
            new ReadOnlySpan<float>(values + at, _size).CopyTo(new Span<float>(packed + (long)t * _size, _size));
        }
        for (int t = 0; t < count; t++)
        {
            long at = (long)t * _hidden + head * _size;
            for (int i = 0; i < _size; i++)
                query[i] = queries[at + i] * _scale;
            new Span<float>(scores, width).Clear();
            _path.AddWeighted(query, transposed, _size, width, scores);
            _path.SoftMax(scores, count);
            new Span<float>(mixed + at, _size).Clear();
            _path.AddWeighted(scores, packed, count, _size, mixed + at);
        }
    }

    private static int Padded(int count) => (count + Lanes - 1) / Lanes * Lanes;
}
