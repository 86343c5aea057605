using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>
/// Attention of queries to all keys of a sequence, one head at a time: two products with many vectors, whose weights
/// are the keys and the values in panels.
/// </summary>
internal sealed unsafe class PanelAttention
{
    private const int MostQueries = 48; // their scores should stay in the L2 cache

    private readonly KernelPath _path;
    private readonly int _stride, _size, _panels;
    private readonly float _scale;
    private readonly float*[] _queries, _scores; // one buffer for each worker

    /// <summary>Allocates the buffers.</summary>
    /// <param name="shape">The shape of the blocks.</param>
    /// <param name="scale">The factor of scores.</param>
    /// <param name="path">The kernels.</param>
    /// <param name="scratch">The memory.</param>
    /// <param name="workers">Number of workers.</param>
    /// <param name="longest">The largest number of tokens in a sequence.</param>
    public PanelAttention(StackShape shape, float scale, KernelPath path, PassScratch scratch, int workers,
        int longest)
    {
        (_path, _stride, _size, _scale) = (path, shape.AttentionSize, shape.HeadSize, scale);
        _panels = (_size + path.PanelRows - 1) / path.PanelRows;
        (_queries, _scores) = (new float*[workers], new float*[workers]);
        for (int worker = 0; worker < workers; worker++)
        {
            _queries[worker] = scratch.Floats(MostQueries * _size);
            _scores[worker] = scratch.Floats((long)MostQueries * longest);
        }
    }

    /// <summary>Returns the number of elements of the panels of a head's keys.</summary>
    public static long KeyFloats(KernelPath path, int count, int size) =>
        (long)(count + path.PanelRows - 1) / path.PanelRows * path.PanelRows * size;

    /// <summary>Returns the number of elements of the panels of a head's values.</summary>
    public static long ValueFloats(KernelPath path, int count, int size) =>
        (long)(size + path.PanelRows - 1) / path.PanelRows * path.PanelRows * count;

    /// <summary>Copies the keys and the values of a head into panels.</summary>
    /// <param name="head">The head.</param>
    /// <param name="count">Number of tokens.</param>
    /// <param name="keys">The keys of all heads, [tokens, attention size].</param>
    /// <param name="values">The values of all heads.</param>
    /// <param name="toKeys">The panels of the keys, <see cref="KeyFloats"/> elements.</param>
    /// <param name="toValues">The panels of the values, <see cref="ValueFloats"/> elements.</param>
    public void Pack(int head, int count, float* keys, float* values, float* toKeys, float* toValues)
    {
        int height = _path.PanelRows;
        for (int token = 0; token < count; token++)
        {
            float* key = keys + (long)token * _stride + head * _size, value = values + (long)token * _stride
                + head * _size, to = toKeys + (long)(token / height) * height * _size + token % height;
            for (int i = 0; i < _size; i++)
                to[(long)i * height] = key[i];
            for (int panel = 0; panel < _panels; panel++)
            {
                int start = panel * height, length = Math.Min(height, _size - start);
                new ReadOnlySpan<float>(value + start, length)
                    .CopyTo(new Span<float>(toValues + ((long)panel * count + token) * height, length));
            }
        }
    }

    /// <summary>
    /// Computes softmax(scale · Q Kᵀ + bias) V of one head (Vaswani et al. 2017, eq. 1; Raffel et al. 2020, section
    /// 2.1).
    /// </summary>
    /// <param name="worker">The number of the worker.</param>
    /// <param name="head">The head.</param>
    /// <param name="count">Number of keys.</param>
    /// <param name="keys">The panels of the keys.</param>
    /// <param name="values">The panels of the values.</param>
    /// <param name="queries">The queries of all heads, [rows, attention size].</param>
    /// <param name="rows">Number of queries.</param>
    /// <param name="bias">The bias of the first key for the first query, followed by those of the other keys and
    /// preceded by that of the first key for the second query; null for none.</param>
    /// <param name="mixed">Filled with the results.</param>
    /// <param name="share">The weights times a factor are added to it, [rows, <paramref name="shareStride"/>]; null if
    /// they are not wanted.</param>
    /// <param name="shareStride">Number of elements of a row of <paramref name="share"/>.</param>
    /// <param name="part">The factor.</param>
    public void Mix(int worker, int head, int count, float* keys, float* values, float* queries, int rows, float* bias,
        float* mixed, float* share = null, int shareStride = 0, float part = 1)
    {
        int first = head * _size, height = _path.PanelRows;
        // The rows of the first product's weights are the keys; those of the second's are the values' components.
        PackedRows scorers = new((byte*)keys, count, _size, WeightType.F32, height),
            mixers = new((byte*)values, _size, count, WeightType.F32, height);
        float* scores = _scores[worker], scaled = _queries[worker];
        for (int start = 0; start < rows; start += MostQueries)
        {
            int some = Math.Min(MostQueries, rows - start);
            for (int t = 0; t < some; t++)
            {
                float* query = queries + (long)(start + t) * _stride + first;
                for (int i = 0; i < _size; i++)
                    scaled[t * _size + i] = query[i] * _scale;
            }
            _path.MultiplyPacked(scorers, 0, count, null, scaled, some, scores, count);
            for (int t = 0; t < some; t++)
            {
                float* row = scores + (long)t * count;
                if (bias is not null)
                    _path.Add(bias - (start + t), count, row);
                _path.SoftMax(row, count);
                for (int j = 0; j < count && share is not null; j++)
                    share[(long)(start + t) * shareStride + j] += row[j] * part;
            }
            _path.MultiplyPacked(mixers, 0, _size, null, scores, some, mixed + (long)start * _stride + first, _stride);
        }
    }
}
