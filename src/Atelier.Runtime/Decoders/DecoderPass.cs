using Atelier.Decoding;
using Atelier.Kernels;

namespace Atelier.Decoders;

/// <summary>
/// One step through the network, by all workers at once: each computes its rows of every product and its heads of attention,
/// and they wait for one another between. Many tokens go through in pieces of <see cref="MostRows"/>.
/// </summary>
internal sealed unsafe class DecoderPass : IParallelWork, IDisposable
{
    private const int MostRows = 256;

    /// <summary>Up to so many rows every worker prepares all of a product's vectors for itself, which is less than waiting for the others.</summary>
    private const int FewRows = 2;

    private readonly DecoderConfig _config;
    private readonly DecoderWeights _weights;
    private readonly KeyValuePages _pages;
    private readonly WorkerPool _pool;
    private readonly PassScratch _scratch = new();
    private readonly PassBlock[] _blocks;
    private readonly PassNorm _finalNorm;
    private readonly PassProduct _head;
    private readonly RotaryTable? _rotary;
    private readonly bool _bytes; // whether any weights are blocks
    private readonly float _epsilon;

    // Rows: one token each.
    private readonly Row[] _rows = new Row[MostRows];
    private readonly float* _x, _queries, _keys, _values, _mixed, _sums, _inner, _gate, _last;
    private readonly Operand _shared;
    private readonly Operand[] _own; // a worker's
    private readonly float*[] _scores; // a worker's
    private int _rowCount, _logitRows;
    private bool _isOneTokenEach;
    private float* _logits;

    public DecoderPass(DecoderConfig config, DecoderWeights weights, KeyValuePages pages, KernelPath path, int workers)
    {
        (_config, _weights, _pages, Path) = (config, weights, pages, path);
        _pool = new WorkerPool(workers);
        _epsilon = (float)config.NormEpsilon;
        _rotary = config.Positions == PositionName.Rotary ? new RotaryTable(config) : null;
        _blocks = [.. weights.Blocks.Select(b => new PassBlock(b, _scratch))];
        _finalNorm = new(weights.FinalNorm, _scratch);
        _head = new(weights.Head ?? new LinearWeights(weights.Embedding), _scratch);
        _bytes = weights.Products().Any(p => p.Weight.Type.IsBlocked()) || _head.Weight.Type.IsBlocked();

        int widest = Math.Max(Math.Max(config.HiddenSize, config.QuerySize), config.FeedForwardSize);
        _x = _scratch.Floats((long)MostRows * config.HiddenSize);
        _last = _scratch.Floats((long)MostRows * config.HiddenSize);
        _sums = _scratch.Floats((long)MostRows * config.HiddenSize);
        _queries = _scratch.Floats((long)MostRows * config.QuerySize);
        _mixed = _scratch.Floats((long)MostRows * config.QuerySize);
        _keys = _scratch.Floats((long)MostRows * config.KeyValueSize);
        _values = _scratch.Floats((long)MostRows * config.KeyValueSize);
        _inner = _scratch.Floats((long)MostRows * config.FeedForwardSize);
        _gate = _scratch.Floats((long)MostRows * config.FeedForwardSize);
        _shared = _scratch.Operand(MostRows, widest);
        _own = new Operand[workers];
        _scores = new float*[workers];
        for (int worker = 0; worker < workers; worker++)
        {
            _own[worker] = _scratch.Operand(FewRows, widest);
            _scores[worker] = _scratch.Floats(config.ContextLength);
        }
    }

    /// <summary>The kernels.</summary>
    public KernelPath Path { get; }

    /// <summary>Reads tokens, checked, into sequences that have room for them.</summary>
    public void Run(ReadOnlySpan<SequenceInput> inputs, Span<float> logits)
    {
        fixed (float* to = logits)
        {
            _logits = to;
            _rowCount = _logitRows = 0;
            _isOneTokenEach = true;
            foreach (SequenceInput input in inputs)
            {
                var sequence = (DecoderSequence)input.Sequence;
                ReadOnlySpan<int> tokens = input.Tokens.Span;
                for (int i = 0; i < tokens.Length; i++)
                {
                    if (_rowCount == MostRows)
                        RunRows();
                    bool isWanted = input.AllLogits || i == tokens.Length - 1;
                    _isOneTokenEach &= i == 0 || _rowCount == 0;
                    _rows[_rowCount++] = new Row(sequence, tokens[i], sequence.Length + i, isWanted ? _logitRows++ : -1);
                }
            }
            RunRows();
            _logits = null;
        }
        Array.Clear(_rows); // holds no sequence longer than its owner does
    }

    /// <inheritdoc/>
    public void Run(int worker)
    {
        Embed(worker);
        _pool.Barrier();
        for (int layer = 0; layer < _blocks.Length; layer++)
        {
            PassBlock block = _blocks[layer];
            Operand x = Normed(worker, _x, _rowCount, block.AttentionNorm);
            Multiply(worker, block.Query, x, _rowCount, _queries, _config.QuerySize);
            Multiply(worker, block.Key, x, _rowCount, _keys, _config.KeyValueSize);
            Multiply(worker, block.Value, x, _rowCount, _values, _config.KeyValueSize);
            _pool.Barrier();
            Attend(worker, layer);
            _pool.Barrier();
            x = InBytes(worker, _mixed, _rowCount, _config.QuerySize, block.Output);
            AddProduct(worker, block.Output, x);
            _pool.Barrier();
            x = Normed(worker, _x, _rowCount, block.FeedForwardNorm);
            FeedForward(worker, block, x);
            _pool.Barrier();
            x = InBytes(worker, _inner, _rowCount, _config.FeedForwardSize, block.Down);
            AddProduct(worker, block.Down, x);
            _pool.Barrier();
        }
        Head(worker);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _pool.Dispose();
        _scratch.Dispose();
    }

    private void RunRows()
    {
        _pool.Run(this);
        for (int row = 0; row < _rowCount; row++)
            _logits += _rows[row].LogitRow >= 0 ? _config.VocabularySize : 0;
        _rowCount = _logitRows = 0;
        _isOneTokenEach = true;
    }

    /// <summary>The rows that a worker prepares of all.</summary>
    private (int Start, int End) Share(int worker, int rows) => (rows * worker / _pool.Workers, rows * (worker + 1) / _pool.Workers);

    private void Embed(int worker)
    {
        int hidden = _config.HiddenSize;
        (int start, int end) = Share(worker, _rowCount);
        for (int row = start; row < end; row++)
        {
            float* x = _x + (long)row * hidden;
            _weights.Embedding.ReadRow(_rows[row].Token, new Span<float>(x, hidden));
            if (_weights.Positions is { } positions)
            {
                float* position = _sums + (long)row * hidden;
                positions.ReadRow(_rows[row].Position, new Span<float>(position, hidden));
                Path.Add(position, hidden, x);
            }
        }
    }

    /// <summary>Vectors after a norm, as products take them.</summary>
    private Operand Normed(int worker, float* x, int rows, in PassNorm norm)
    {
        bool few = rows <= FewRows;
        int hidden = _config.HiddenSize;
        Operand operand = few ? _own[worker] : _shared;
        (int start, int end) = few ? (0, rows) : Share(worker, rows);
        for (int row = start; row < end; row++)
        {
            long at = (long)row * hidden;
            if (_config.Norm == NormName.Rms)
                Path.RmsNorm(x + at, norm.Weight, hidden, _epsilon, operand.Floats + at);
            else
                Path.LayerNorm(x + at, norm.Weight, norm.Bias, hidden, _epsilon, operand.Floats + at);
            if (_bytes)
                ToBytes(operand.Floats, row, hidden, operand.Bytes);
        }
        if (!few)
            _pool.Barrier();
        return operand;
    }

    /// <summary>Vectors as they are, in 8 bits too where a product asks for it.</summary>
    private Operand InBytes(int worker, float* x, int rows, int columns, in PassProduct product)
    {
        if (!product.Weight.Type.IsBlocked())
            return new Operand(x, default);
        bool few = rows <= FewRows;
        ByteVectors bytes = few ? _own[worker].Bytes : _shared.Bytes;
        (int start, int end) = few ? (0, rows) : Share(worker, rows);
        for (int row = start; row < end; row++)
            ToBytes(x, row, columns, bytes);
        if (!few)
            _pool.Barrier();
        return new Operand(x, bytes);
    }

    private void ToBytes(float* x, int row, int columns, in ByteVectors bytes)
    {
        if (columns % WeightTypes.BlockSize != 0)
            return; // no blocked weights have such rows
        long at = (long)row * columns;
        Path.ToBytes(x + at, columns, bytes.Values + at, bytes.Scales + at / WeightTypes.BlockSize, bytes.Sums + at / WeightTypes.BlockSize);
    }

    /// <summary>A worker's rows of a product with its bias.</summary>
    private void Multiply(int worker, in PassProduct product, in Operand x, int vectors, float* y, int yStride)
    {
        (int start, int end) = product.Share(worker, _pool.Workers);
        if (start == end)
            return;
        Path.Multiply(new ProductRows(product.Weight, start, end - start), x.Floats, x.Bytes, vectors, y + start, yStride);
        if (product.Bias is null)
            return;
        for (int vector = 0; vector < vectors; vector++)
            Path.Add(product.Bias + start, end - start, y + (long)vector * yStride + start);
    }

    /// <summary>Adds a product to the residual stream.</summary>
    private void AddProduct(int worker, in PassProduct product, in Operand x)
    {
        int hidden = _config.HiddenSize;
        Multiply(worker, product, x, _rowCount, _sums, hidden);
        (int start, int end) = product.Share(worker, _pool.Workers);
        for (int row = 0; row < _rowCount; row++)
            Path.Add(_sums + (long)row * hidden + start, end - start, _x + (long)row * hidden + start);
    }

    private void FeedForward(int worker, PassBlock block, in Operand x)
    {
        int size = _config.FeedForwardSize;
        Multiply(worker, block.Up, x, _rowCount, _inner, size);
        if (block.Gate is { } gate)
            Multiply(worker, gate, x, _rowCount, _gate, size);
        (int start, int end) = block.Up.Share(worker, _pool.Workers);
        for (int row = 0; row < _rowCount; row++)
        {
            float* inner = _inner + (long)row * size + start;
            if (_config.Activation == ActivationName.SwiGlu)
                Path.SwiGlu(_gate + (long)row * size + start, end - start, inner);
            else
                Path.Gelu(end - start, inner, tanh: _config.Activation == ActivationName.GeluTanh);
        }
    }

    /// <summary>Keys and values go into the cache, then each worker mixes its heads.</summary>
    private void Attend(int worker, int layer)
    {
        // Where a row's keys are read by no other row, the worker that needs them stores them.
        for (int row = 0; row < _rowCount; row++)
        {
            for (int head = 0; head < _config.KeyValueHeadCount; head++)
            {
                if (IsMine(worker, row, head))
                    Store(layer, row, head);
            }
        }
        if (!_isOneTokenEach)
            _pool.Barrier();
        for (int head = 0; head < _config.KeyValueHeadCount; head++)
        {
            for (int row = 0; row < _rowCount; row++)
            {
                if (IsMine(worker, row, head))
                    Mix(worker, layer, row, head);
            }
        }
    }

    private bool IsMine(int worker, int row, int head) => (row * _config.KeyValueHeadCount + head) % _pool.Workers == worker;

    private void Store(int layer, int row, int head)
    {
        int size = _config.HeadSize, group = _config.HeadCount / _config.KeyValueHeadCount, position = _rows[row].Position;
        float* key = _keys + (long)row * _config.KeyValueSize + head * size, value = _values + (long)row * _config.KeyValueSize + head * size;
        if (_rotary is not null)
        {
            _rotary.Turn(key, position);
            for (int i = 0; i < group; i++)
                _rotary.Turn(_queries + (long)row * _config.QuerySize + (head * group + i) * size, position);
        }
        float* page = _rows[row].Sequence.Pages[position / KeyValuePage.Tokens].Data;
        long within = (long)(position % KeyValuePage.Tokens) * size;
        new ReadOnlySpan<float>(key, size).CopyTo(new Span<float>(page + _pages.Offset(layer, values: false, head) + within, size));
        new ReadOnlySpan<float>(value, size).CopyTo(new Span<float>(page + _pages.Offset(layer, values: true, head) + within, size));
    }

    /// <summary>softmax(q Kᵀ / √size) V of the query heads that share a key-value head (Vaswani et al. 2017, eq. 1).</summary>
    private void Mix(int worker, int layer, int row, int head)
    {
        int size = _config.HeadSize, group = _config.HeadCount / _config.KeyValueHeadCount, count = _rows[row].Position + 1;
        long keys = _pages.Offset(layer, values: false, head), values = _pages.Offset(layer, values: true, head);
        KeyValuePage[] pages = _rows[row].Sequence.Pages;
        float* scores = _scores[worker];
        float scale = 1 / MathF.Sqrt(size);
        for (int i = 0; i < group; i++)
        {
            long at = (long)row * _config.QuerySize + (head * group + i) * size;
            for (int start = 0; start < count; start += KeyValuePage.Tokens)
            {
                float* page = pages[start / KeyValuePage.Tokens].Data + keys;
                Path.Scores(_queries + at, page, Math.Min(KeyValuePage.Tokens, count - start), size, scale, scores + start);
            }
            Path.SoftMax(scores, count);
            new Span<float>(_mixed + at, size).Clear();
            for (int start = 0; start < count; start += KeyValuePage.Tokens)
            {
                float* page = pages[start / KeyValuePage.Tokens].Data + values;
                Path.AddWeighted(scores + start, page, Math.Min(KeyValuePage.Tokens, count - start), size, _mixed + at);
            }
        }
    }

    private void Head(int worker)
    {
        int hidden = _config.HiddenSize;
        if (_logitRows == 0)
            return;
        float* x = _x;
        if (_logitRows < _rowCount)
        {
            // The rows whose logits are wanted, together; what was in their place is not needed any more.
            if (worker == 0)
            {
                int wanted = 0;
                for (int row = 0; row < _rowCount; row++)
                {
                    if (_rows[row].LogitRow >= 0)
                        new ReadOnlySpan<float>(_x + (long)row * hidden, hidden).CopyTo(new Span<float>(_last + (long)wanted++ * hidden, hidden));
                }
            }
            _pool.Barrier();
            x = _last;
        }
        Operand normed = Normed(worker, x, _logitRows, _finalNorm);
        Multiply(worker, _head, normed, _logitRows, _logits, _config.VocabularySize);
    }

    /// <summary>One token of a step.</summary>
    /// <param name="Sequence">Whose.</param>
    /// <param name="Token">Its id.</param>
    /// <param name="Position">Its place in the sequence.</param>
    /// <param name="LogitRow">The row of the logits after it, or −1 where they are not wanted.</param>
    private readonly record struct Row(DecoderSequence Sequence, int Token, int Position, int LogitRow);
}
