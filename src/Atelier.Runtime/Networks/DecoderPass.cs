using Atelier.Abstractions;
using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>
/// Computes a step of the network with all workers in parallel. Each worker computes its rows of every product and its
/// attention heads; barriers separate the parts. Many tokens are processed in pieces of <see cref="MostRows"/>.
/// </summary>
internal sealed unsafe class DecoderPass : IParallelWork, IDisposable
{
    private const int MostRows = 256;

    private readonly DecoderConfig _config;
    private readonly DecoderWeights _weights;
    private readonly WorkerPool _pool;
    private readonly PassScratch _scratch = new();
    private readonly PassBlock[] _blocks;
    private readonly PassNorm _finalNorm;
    private readonly PassProduct _head;
    private readonly PassAttention _attention;
    private readonly bool _bytes; // whether any weights are blocked (quantised)
    private readonly float _epsilon;

    // Each row is one token.
    private readonly PassRow[] _rows = new PassRow[MostRows];
    private readonly float* _x, _queries, _keys, _values, _mixed, _sums, _inner, _gate, _last;
    private readonly PassProducts _products;
    private int _rowCount, _logitRows;
    private bool _isOneTokenEach;
    private AdapterScratch? _adapterScratch;
    private bool _isStep; // one token per sequence: the result of a sequence must not depend on the others
    private float* _logits;
    private bool _isHeadOnly;
    private PassTrace? _trace;
    private AttentionHead? _without; // the head whose output is zero

    public DecoderPass(DecoderConfig config, DecoderWeights weights, KeyValuePages pages, KernelPath path, int workers)
    {
        (_config, _weights, Path) = (config, weights, path);
        _pool = new WorkerPool(workers);
        _epsilon = (float)config.NormEpsilon;
        _attention = new PassAttention(config, pages, path, _scratch, workers);
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
        _products = new PassProducts(path, _pool, _scratch, MostRows, widest);
    }

    /// <summary>The kernels.</summary>
    public KernelPath Path { get; }

    /// <summary>Reads tokens, already checked, into sequences that have room for them.</summary>
    public void Run(ReadOnlySpan<SequenceInput> inputs, Span<float> logits)
    {
        fixed (float* to = logits)
        {
            _logits = to;
            _rowCount = _logitRows = 0;
            _isOneTokenEach = true;
            _isStep = SequenceInput.AreOneTokenEach(inputs);
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
                    _rows[_rowCount++] =
                        new PassRow(sequence, tokens[i], sequence.Length + i, isWanted ? _logitRows++ : -1);
                }
            }
            RunRows();
            _logits = null;
        }
        Array.Clear(_rows); // keep no reference to sequences after the step
    }

    /// <summary>Reads tokens like <see cref="Run(ReadOnlySpan{SequenceInput}, Span{float})"/>, with the output of a
    /// head set to zero.</summary>
    public void Run(ReadOnlySpan<SequenceInput> inputs, Span<float> logits, AttentionHead without)
    {
        _without = without;
        try
        {
            Run(inputs, logits);
        }
        finally
        {
            _without = null; // the next step has all heads, even if this one failed
        }
    }

    /// <summary>Reads the tokens of one sequence and records what the blocks compute.</summary>
    public void Run(SequenceInput input, Span<float> logits, PassTrace trace)
    {
        _trace = trace;
        Run([input], logits);
        _trace = null; // keep no reference after the step
    }

    /// <summary>Reads the tokens of one sequence and shows the vectors that the linear layers of blocks
    /// multiply.</summary>
    public void Run(SequenceInput input, Span<float> logits, ILinearInputs inputs)
    {
        _products.Inputs = new BlockInputs(inputs, _head.Weight.Name);
        Run([input], logits);
        _products.Inputs = null;
    }

    /// <summary>Computes the logits that the final norm and the head give for rows of the residual stream.</summary>
    /// <param name="states">The rows, [rows, hidden].</param>
    /// <param name="logits">Filled with the logits, [rows, vocabulary].</param>
    public void RunHead(ReadOnlySpan<float> states, Span<float> logits)
    {
        int hidden = _config.HiddenSize;
        (_isHeadOnly, _isStep) = (true, false);
        fixed (float* to = logits)
        {
            for (int start = 0; start < states.Length / hidden; start += MostRows)
            {
                _rowCount = _logitRows = Math.Min(MostRows, states.Length / hidden - start);
                states.Slice(start * hidden, _rowCount * hidden).CopyTo(new Span<float>(_x, _rowCount * hidden));
                _logits = to + (long)start * _config.VocabularySize;
                _pool.Run(this);
            }
        }
        _isHeadOnly = false;
        _logits = null;
    }

    /// <inheritdoc/>
    public void Run(int worker)
    {
        if (_isHeadOnly)
        {
            Head(worker);
            return;
        }
        Embed(worker);
        _pool.Barrier();
        for (int layer = 0; layer < _blocks.Length; layer++)
        {
            PassBlock block = _blocks[layer];
            Record(worker, layer);
            Operand x = Normed(worker, _x, _rowCount, block.AttentionNorm);
            _products.Multiply(worker, block.Query, x, _rowCount, _queries, _config.QuerySize, _isStep);
            _products.Multiply(worker, block.Key, x, _rowCount, _keys, _config.KeyValueSize, _isStep);
            _products.Multiply(worker, block.Value, x, _rowCount, _values, _config.KeyValueSize, _isStep);
            _pool.Barrier();
            Attend(worker, layer);
            _pool.Barrier();
            x = _products.InBytes(worker, _mixed, _rowCount, _config.QuerySize, block.Output.IsBlocked);
            _products.AddProduct(worker, block.Output, x, _rowCount, _sums, _x, _isStep);
            _pool.Barrier();
            x = Normed(worker, _x, _rowCount, block.FeedForwardNorm);
            _products.FeedForward(worker, block, _config.Activation, x, _rowCount, _inner, _gate, _isStep);
            _pool.Barrier();
            x = _products.InBytes(worker, _inner, _rowCount, _config.FeedForwardSize, block.Down.IsBlocked);
            _products.AddProduct(worker, block.Down, x, _rowCount, _sums, _x, _isStep);
            _pool.Barrier();
        }
        Record(worker, _blocks.Length);
        Head(worker);
    }

    /// <summary>Runs linear layers with their adapters from the next step on, and the others without one.</summary>
    /// <param name="adapters">The adapters by the weights of their layers.</param>
    public void Use(IReadOnlyDictionary<WeightMatrix, DecoderAdapter> adapters)
    {
        IEnumerable<PassProduct> products = _blocks.SelectMany(block => (PassProduct?[])
            [block.Query, block.Key, block.Value, block.Output, block.Gate, block.Up, block.Down])
            .OfType<PassProduct>().Append(_head);
        _adapterScratch?.Dispose();
        _adapterScratch =
            adapters.Count == 0 ? null : new AdapterScratch([.. adapters.Values], _pool.Workers, MostRows);
        foreach (PassProduct product in products)
            product.Slot.Adapter = adapters.TryGetValue(product.Weight, out DecoderAdapter? adapter)
                ? new ProductAdapter(adapter, _adapterScratch!) : null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _pool.Dispose();
        _adapterScratch?.Dispose();
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

    private void Embed(int worker)
    {
        int hidden = _config.HiddenSize;
        (int start, int end) = _products.Share(worker, _rowCount);
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

    /// <summary>Applies a norm and returns the result as the operand of products.</summary>
    private Operand Normed(int worker, float* x, int rows, in PassNorm norm)
    {
        int hidden = _config.HiddenSize;
        (Operand operand, int start, int end) = _products.Begin(worker, rows);
        for (int row = start; row < end; row++)
        {
            long at = (long)row * hidden;
            if (_config.Norm == NormName.Rms)
                Path.RmsNorm(x + at, norm.Weight, hidden, _epsilon, operand.Floats + at);
            else
                Path.LayerNorm(x + at, norm.Weight, norm.Bias, hidden, _epsilon, operand.Floats + at);
            if (_bytes)
                _products.ToBytes(operand.Floats, row, hidden, operand.Bytes);
        }
        _products.Finish(rows);
        return operand;
    }

    /// <summary>Records a worker's rows of the residual stream if the pass is traced.</summary>
    private void Record(int worker, int layer)
    {
        if (_trace is null)
            return;
        (int start, int end) = _products.Share(worker, _rowCount);
        for (int row = start; row < end; row++)
            _trace.Keep(layer, _rows[row].Position, RowOf(_x, row, _config.HiddenSize));
    }

    /// <summary>Stores keys and values in the cache, then computes a worker's attention heads.</summary>
    private void Attend(int worker, int layer)
    {
        // With one token per sequence no other row reads a row's keys, so the worker that stores them can read them
        // without a barrier.
        for (int row = 0; row < _rowCount; row++)
        {
            for (int head = 0; head < _config.KeyValueHeadCount; head++)
            {
                if (IsMine(worker, row, head))
                    _attention.Store(_rows[row], layer, head, RowOf(_queries, row, _config.QuerySize),
                        RowOf(_keys, row, _config.KeyValueSize), RowOf(_values, row, _config.KeyValueSize));
            }
        }
        if (!_isOneTokenEach)
            _pool.Barrier();
        int group = _config.HeadCount / _config.KeyValueHeadCount;
        for (int head = 0; head < _config.KeyValueHeadCount; head++)
        {
            for (int row = 0; row < _rowCount; row++)
            {
                if (!IsMine(worker, row, head))
                    continue;
                float* mixed = RowOf(_mixed, row, _config.QuerySize);
                _attention.Mix(worker, _rows[row], layer, head, RowOf(_queries, row, _config.QuerySize), mixed, _trace);
                if (_without is { } without && without.Layer == layer && without.Head / group == head)
                    new Span<float>(mixed + without.Head * _config.HeadSize, _config.HeadSize).Clear();
            }
        }
    }

    private bool IsMine(int worker, int row, int head) =>
        (row * _config.KeyValueHeadCount + head) % _pool.Workers == worker;

    private static float* RowOf(float* vectors, int row, int size) => vectors + (long)row * size;

    private void Head(int worker)
    {
        int hidden = _config.HiddenSize;
        if (_logitRows == 0)
            return;
        float* x = _x;
        if (_logitRows < _rowCount)
        {
            // Gather the rows whose logits are requested.
            if (worker == 0)
            {
                int wanted = 0;
                for (int row = 0; row < _rowCount; row++)
                {
                    if (_rows[row].LogitRow >= 0)
                        new ReadOnlySpan<float>(_x + (long)row * hidden, hidden)
                            .CopyTo(new Span<float>(_last + (long)wanted++ * hidden, hidden));
                }
            }
            _pool.Barrier();
            x = _last;
        }
        Operand normed = Normed(worker, x, _logitRows, _finalNorm);
        _products.Multiply(worker, _head, normed, _logitRows, _logits, _config.VocabularySize, _isStep);
    }

    /// <summary>Passes on the inputs of all layers but the head.</summary>
    private sealed class BlockInputs(ILinearInputs inputs, string head) : ILinearInputs
    {
        public void Add(string weight, ReadOnlySpan<float> vectors, int columns)
        {
            if (weight != head)
                inputs.Add(weight, vectors, columns);
        }
    }
}
