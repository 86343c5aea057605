using Atelier.Abstractions;
using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>The tokens of a step and what is wanted of it; each row is one token.</summary>
internal sealed class PassStep(int mostRows)
{
    /// <summary>The rows, of which the first <see cref="Count"/> are in use.</summary>
    public PassRow[] Rows { get; } = new PassRow[mostRows];

    /// <summary>Number of rows.</summary>
    public int Count { get; set; }

    /// <summary>Number of rows whose logits are wanted.</summary>
    public int LogitRows { get; set; }

    /// <summary>Whether no two rows belong to the same sequence.</summary>
    public bool IsOneTokenEach { get; set; }

    /// <summary>Whether the result of a sequence must not depend on the others.</summary>
    public bool IsAlone { get; set; }

    /// <summary>Receives what the blocks compute; null if it is not wanted.</summary>
    public PassTrace? Trace { get; set; }

    /// <summary>The head whose output is zero; null for none.</summary>
    public AttentionHead? Without { get; set; }

    /// <summary>Removes all rows.</summary>
    public void Clear() => (Count, LogitRows, IsOneTokenEach) = (0, 0, true);
}

/// <summary>
/// The blocks of a decoder: attention and feed-forward layers with their norms and residual connections. Each worker
/// computes its rows of every product and its attention heads; barriers separate the parts.
/// </summary>
internal sealed unsafe class DecoderBlocks
{
    private readonly DecoderConfig _config;
    private readonly WorkerPool _pool;
    private readonly KernelPath _path;
    private readonly PassProducts _products;
    private readonly PassBlock[] _blocks;
    private readonly PassAttention _attention;
    private readonly ExpertMixture? _mixture;
    private readonly bool _bytes; // whether any weights are blocked (quantised)
    private readonly float _epsilon, _scale;
    private readonly float* _queries, _keys, _values, _mixed, _sums, _inner, _gate;

    public DecoderBlocks(DecoderConfig config, DecoderWeights weights, KeyValuePages pages, KernelPath path,
        WorkerPool pool, PassScratch scratch, PassProducts products, int mostRows)
    {
        (_config, _path, _pool, _products) = (config, path, pool, products);
        (_epsilon, _scale) = ((float)config.NormEpsilon, (float)config.ResidualScale);
        _attention = new PassAttention(config, pages, path, scratch, pool.Workers);
        _blocks = [.. weights.Blocks.Select(b => new PassBlock(b, scratch))];
        _bytes = weights.Products().Append(new LinearWeights(weights.Embedding)).Any(p => p.Weight.Type.IsBlocked());
        _sums = Rows(config.HiddenSize);
        _queries = Rows(config.QuerySize);
        _mixed = Rows(config.QuerySize);
        _keys = Rows(config.KeyValueSize);
        _values = Rows(config.KeyValueSize);
        _inner = Rows(config.FeedForwardSize);
        _gate = Rows(config.FeedForwardSize);
        if (config.Experts is not null)
            _mixture = new ExpertMixture(config, path, pool, products, scratch, mostRows);

        float* Rows(int width) => scratch.Floats((long)mostRows * width);
    }

    /// <summary>The linear layers that may have adapters, in the order of their use.</summary>
    public IEnumerable<PassProduct> Products => _blocks.SelectMany(block => (PassProduct?[])
        [block.Query, block.Key, block.Value, block.Output, block.FeedForward?.Gate, block.FeedForward?.Up,
            block.FeedForward?.Down]).OfType<PassProduct>();

    /// <summary>Memory of as many rows as the residual stream, free before the first block.</summary>
    public float* Sums => _sums;

    /// <summary>Computes a worker's part of all blocks. Ends with a barrier.</summary>
    /// <param name="worker">The number of the worker.</param>
    /// <param name="x">The residual stream, [rows, hidden].</param>
    /// <param name="step">The rows.</param>
    public void Run(int worker, float* x, PassStep step)
    {
        for (int layer = 0; layer < _blocks.Length; layer++)
        {
            PassBlock block = _blocks[layer];
            Record(worker, layer, x, step);
            Project(worker, block, x, step);
            if (_config.IsParallel)
            {
                FeedForward(worker, block, x, step);
                Attend(worker, layer, step);
                _pool.Barrier();
                AddLayer(worker, block.Output, _mixed, block.AttentionPostNorm, x, step);
                AddFeedForward(worker, block, x, step);
                continue;
            }
            Attend(worker, layer, step);
            _pool.Barrier();
            AddLayer(worker, block.Output, _mixed, block.AttentionPostNorm, x, step);
            FeedForward(worker, block, x, step);
            AddFeedForward(worker, block, x, step);
        }
        Record(worker, _blocks.Length, x, step);
    }

    /// <summary>Applies a norm, if there is one, and returns the result as the operand of products.</summary>
    public Operand Normed(int worker, float* x, int rows, in PassNorm norm)
    {
        int hidden = _config.HiddenSize;
        if (!norm.Exists)
            return _products.InBytes(worker, x, rows, hidden, _bytes);
        (Operand operand, int start, int end) = _products.Begin(worker, rows);
        for (int row = start; row < end; row++)
        {
            long at = (long)row * hidden;
            Norm(x + at, norm, hidden, operand.Floats + at);
            if (_bytes)
                _products.ToBytes(operand.Floats, row, hidden, operand.Bytes);
        }
        _products.Finish(rows);
        return operand;
    }

    private void Norm(float* x, in PassNorm norm, int size, float* y)
    {
        if (_config.Norm == NormName.Rms)
            _path.RmsNorm(x, norm.Weight, size, _epsilon, y);
        else
            _path.LayerNorm(x, norm.Weight, norm.Bias, size, _epsilon, y);
    }

    /// <summary>Computes queries, keys and values. Ends with a barrier.</summary>
    private void Project(int worker, PassBlock block, float* x, PassStep step)
    {
        Operand normed = Normed(worker, x, step.Count, block.AttentionNorm);
        _products.Multiply(worker, block.Query, normed, step.Count, _queries, _config.QuerySize, step.IsAlone);
        _products.Multiply(worker, block.Key, normed, step.Count, _keys, _config.KeyValueSize, step.IsAlone);
        _products.Multiply(worker, block.Value, normed, step.Count, _values, _config.KeyValueSize, step.IsAlone);
        _pool.Barrier();
        if (_config.QueryKeyNorm != QueryKeyNormName.Whole)
            return;
        (int start, int end) = _products.Share(worker, step.Count);
        for (int row = start; row < end; row++)
        {
            float* query = RowOf(_queries, row, _config.QuerySize), key = RowOf(_keys, row, _config.KeyValueSize);
            _path.RmsNorm(query, block.QueryNorm.Weight, _config.QuerySize, _epsilon, query);
            _path.RmsNorm(key, block.KeyNorm.Weight, _config.KeyValueSize, _epsilon, key);
        }
        _pool.Barrier();
    }

    /// <summary>Stores keys and values in the cache, then computes a worker's attention heads.</summary>
    private void Attend(int worker, int layer, PassStep step)
    {
        // With one token per sequence no other row reads a row's keys, so the worker that stores them can read them
        // without a barrier.
        for (int row = 0; row < step.Count; row++)
        {
            for (int head = 0; head < _config.KeyValueHeadCount; head++)
            {
                if (IsMine(worker, row, head))
                    _attention.Store(step.Rows[row], layer, head, _blocks[layer],
                        RowOf(_queries, row, _config.QuerySize), RowOf(_keys, row, _config.KeyValueSize),
                        RowOf(_values, row, _config.KeyValueSize));
            }
        }
        if (!step.IsOneTokenEach)
            _pool.Barrier();
        for (int head = 0; head < _config.KeyValueHeadCount; head++)
        {
            for (int row = 0, next; row < step.Count; row = next)
            {
                next = EndOfRun(row, step);
                // With one token per sequence, the worker that stored its keys.
                if (!IsMine(worker, step.IsOneTokenEach ? row : row / _attention.RowsAtOnce, head))
                    continue;
                _attention.Mix(worker, step.Rows.AsSpan(row, next - row), layer, head,
                    RowOf(_queries, row, _config.QuerySize), RowOf(_mixed, row, _config.QuerySize), step.Trace);
                for (; row < next; row++)
                    LeaveOut(step.Without, layer, head, RowOf(_mixed, row, _config.QuerySize));
            }
        }
    }

    /// <summary>Returns the end of rows that attention computes together: of one sequence.</summary>
    private int EndOfRun(int row, PassStep step)
    {
        int end = row + 1,
            most = Math.Min(step.Count, (row / _attention.RowsAtOnce + 1) * _attention.RowsAtOnce);
        while (end < most && step.Rows[end].Sequence == step.Rows[row].Sequence)
            end++;
        return end;
    }

    /// <summary>Sets the result of a head to zero if it is the one to leave out.</summary>
    private void LeaveOut(AttentionHead? without, int layer, int head, float* mixed)
    {
        int group = _config.HeadCount / _config.KeyValueHeadCount;
        if (without is { } one && one.Layer == layer && one.Head / group == head)
            new Span<float>(mixed + one.Head * _config.HeadSize, _config.HeadSize).Clear();
    }

    private bool IsMine(int worker, int row, int head) =>
        (row * _config.KeyValueHeadCount + head) % _pool.Workers == worker;

    /// <summary>Computes the feed-forward layer up to its last product. Ends with a barrier.</summary>
    private void FeedForward(int worker, PassBlock block, float* x, PassStep step)
    {
        if (block.FeedForward is { } layer)
        {
            Operand normed = Normed(worker, x, step.Count, block.FeedForwardNorm);
            _products.FeedForward(worker, layer, _config.Activation, normed, step.Count, _inner, _gate, step.IsAlone);
        }
        else
        {
            (int start, int end) = _products.Share(worker, step.Count);
            for (int row = start; row < end; row++)
            {
                float* from = RowOf(x, row, _config.HiddenSize), to = RowOf(_mixture!.X, row, _config.HiddenSize);
                if (block.FeedForwardNorm.Exists)
                    Norm(from, block.FeedForwardNorm, _config.HiddenSize, to);
                else
                    new ReadOnlySpan<float>(from, _config.HiddenSize).CopyTo(new Span<float>(to, _config.HiddenSize));
            }
            _pool.Barrier();
            _mixture!.Run(worker, block.Experts!, step);
        }
        _pool.Barrier();
    }

    private void AddFeedForward(int worker, PassBlock block, float* x, PassStep step)
    {
        if (block.FeedForward is { } layer)
            AddLayer(worker, layer.Down, _inner, block.FeedForwardPostNorm, x, step);
        else
            AddRows(worker, _mixture!.Sums, block.FeedForwardPostNorm, x, step);
    }

    /// <summary>Adds a product, normalised if it has a norm, to the residual stream. Ends with a barrier.</summary>
    private void AddLayer(int worker, in PassProduct product, float* y, in PassNorm norm, float* x, PassStep step)
    {
        Operand operand = _products.InBytes(worker, y, step.Count, product.Weight.Columns, product.IsBlocked);
        if (!norm.Exists)
        {
            _products.AddProduct(worker, product, operand, step.Count, _sums, x, step.IsAlone, _scale);
            _pool.Barrier();
            return;
        }
        _products.Multiply(worker, product, operand, step.Count, _sums, _config.HiddenSize, step.IsAlone);
        _pool.Barrier();
        AddRows(worker, _sums, norm, x, step);
    }

    /// <summary>Adds rows, normalised if there is a norm, to the residual stream. Ends with a barrier.</summary>
    private void AddRows(int worker, float* sums, in PassNorm norm, float* x, PassStep step)
    {
        int hidden = _config.HiddenSize;
        (int start, int end) = _products.Share(worker, step.Count);
        for (int row = start; row < end; row++)
        {
            float* sum = RowOf(sums, row, hidden);
            if (norm.Exists)
                Norm(sum, norm, hidden, sum);
            _products.AddTimes(_scale, sum, hidden, RowOf(x, row, hidden));
        }
        _pool.Barrier();
    }

    /// <summary>Records a worker's rows of the residual stream if the pass is traced.</summary>
    private void Record(int worker, int layer, float* x, PassStep step)
    {
        if (step.Trace is null)
            return;
        (int start, int end) = _products.Share(worker, step.Count);
        for (int row = start; row < end; row++)
            step.Trace.Keep(layer, step.Rows[row].Position, RowOf(x, row, _config.HiddenSize));
    }

    private static float* RowOf(float* vectors, int row, int size) => vectors + (long)row * size;
}
