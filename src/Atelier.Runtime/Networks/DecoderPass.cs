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
    private readonly DecoderBlocks _blocks;
    private readonly PassNorm _finalNorm;
    private readonly PassProduct _head;
    private readonly PassStep _step = new(MostRows);
    private readonly float* _x, _last;
    private readonly PassProducts _products;
    private AdapterScratch? _adapterScratch;
    private float* _logits;
    private bool _isHeadOnly;

    public DecoderPass(DecoderConfig config, DecoderWeights weights, KeyValuePages pages, KernelPath path, int workers)
    {
        (_config, _weights, Path) = (config, weights, path);
        _pool = new WorkerPool(workers);
        _finalNorm = new(weights.FinalNorm, _scratch);
        _head = new(weights.Head ?? new LinearWeights(weights.Embedding), _scratch);
        int widest = weights.Products().Append(_weights.Head ?? new LinearWeights(weights.Embedding))
            .Max(product => product.Weight.Columns);
        _x = _scratch.Floats((long)MostRows * config.HiddenSize);
        _last = _scratch.Floats((long)MostRows * config.HiddenSize);
        _products = new PassProducts(path, _pool, _scratch, MostRows, widest);
        _blocks = new DecoderBlocks(config, weights, pages, path, _pool, _scratch, _products, MostRows);
    }

    /// <summary>The kernels.</summary>
    public KernelPath Path { get; }

    /// <summary>Reads tokens, already checked, into sequences that have room for them.</summary>
    public void Run(ReadOnlySpan<SequenceInput> inputs, Span<float> logits)
    {
        fixed (float* to = logits)
        {
            _logits = to;
            _step.Clear();
            _step.IsAlone = SequenceInput.AreOneTokenEach(inputs);
            foreach (SequenceInput input in inputs)
            {
                var sequence = (DecoderSequence)input.Sequence;
                ReadOnlySpan<int> tokens = input.Tokens.Span;
                for (int i = 0; i < tokens.Length; i++)
                {
                    if (_step.Count == MostRows)
                        RunRows();
                    bool isWanted = input.AllLogits || i == tokens.Length - 1;
                    _step.IsOneTokenEach &= i == 0 || _step.Count == 0;
                    _step.Rows[_step.Count++] =
                        new PassRow(sequence, tokens[i], sequence.Length + i, isWanted ? _step.LogitRows++ : -1);
                }
            }
            RunRows();
            _logits = null;
        }
        Array.Clear(_step.Rows); // keep no reference to sequences after the step
    }

    /// <summary>Reads tokens like <see cref="Run(ReadOnlySpan{SequenceInput}, Span{float})"/>, with the output of a
    /// head set to zero.</summary>
    public void Run(ReadOnlySpan<SequenceInput> inputs, Span<float> logits, AttentionHead without)
    {
        _step.Without = without;
        try
        {
            Run(inputs, logits);
        }
        finally
        {
            _step.Without = null; // the next step has all heads, even if this one failed
        }
    }

    /// <summary>Reads the tokens of one sequence and records what the blocks compute.</summary>
    public void Run(SequenceInput input, Span<float> logits, PassTrace trace)
    {
        _step.Trace = trace;
        Run([input], logits);
        _step.Trace = null; // keep no reference after the step
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
        (_isHeadOnly, _step.IsAlone) = (true, false);
        fixed (float* to = logits)
        {
            for (int start = 0; start < states.Length / hidden; start += MostRows)
            {
                int rows = _step.Count = _step.LogitRows = Math.Min(MostRows, states.Length / hidden - start);
                states.Slice(start * hidden, rows * hidden).CopyTo(new Span<float>(_x, rows * hidden));
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
        _blocks.Run(worker, _x, _step);
        Head(worker);
    }

    /// <summary>Runs linear layers with their adapters from the next step on, and the others without one.</summary>
    /// <param name="adapters">The adapters by the weights of their layers.</param>
    public void Use(IReadOnlyDictionary<WeightMatrix, DecoderAdapter> adapters)
    {
        _adapterScratch?.Dispose();
        _adapterScratch =
            adapters.Count == 0 ? null : new AdapterScratch([.. adapters.Values], _pool.Workers, MostRows);
        foreach (PassProduct product in _blocks.Products.Append(_head))
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
        for (int row = 0; row < _step.Count; row++)
            _logits += _step.Rows[row].LogitRow >= 0 ? _config.VocabularySize : 0;
        _step.Clear();
    }

    private void Embed(int worker)
    {
        int hidden = _config.HiddenSize;
        (int start, int end) = _products.Share(worker, _step.Count);
        for (int row = start; row < end; row++)
        {
            float* x = _x + (long)row * hidden;
            _weights.Embedding.ReadRow(_step.Rows[row].Token, new Span<float>(x, hidden));
            if (_config.EmbeddingScale != 1)
                Path.Scale((float)_config.EmbeddingScale, hidden, x);
            if (_weights.Positions is { } positions)
            {
                float* position = _blocks.Sums + (long)row * hidden;
                positions.ReadRow(_step.Rows[row].Position, new Span<float>(position, hidden));
                Path.Add(position, hidden, x);
            }
        }
    }

    private void Head(int worker)
    {
        int hidden = _config.HiddenSize;
        if (_step.LogitRows == 0)
            return;
        float* x = _x;
        if (_step.LogitRows < _step.Count)
        {
            // Gather the rows whose logits are requested.
            if (worker == 0)
            {
                int wanted = 0;
                for (int row = 0; row < _step.Count; row++)
                {
                    if (_step.Rows[row].LogitRow >= 0)
                        new ReadOnlySpan<float>(_x + (long)row * hidden, hidden)
                            .CopyTo(new Span<float>(_last + (long)wanted++ * hidden, hidden));
                }
            }
            _pool.Barrier();
            x = _last;
        }
        Operand normed = _blocks.Normed(worker, x, _step.LogitRows, _finalNorm);
        _products.Multiply(worker, _head, normed, _step.LogitRows, _logits, _config.VocabularySize, _step.IsAlone);
        Bound(worker);
    }

    /// <summary>Multiplies a worker's logits by their factor and bounds them.</summary>
    private void Bound(int worker)
    {
        if (_config is { LogitScale: 1, LogitSoftCap: null })
            return;
        (int start, int end) = _head.Share(worker, _pool.Workers);
        float cap = (float)(_config.LogitSoftCap ?? 1);
        for (int row = 0; row < _step.LogitRows; row++)
        {
            float* logits = _logits + (long)row * _config.VocabularySize + start;
            Path.Scale((float)_config.LogitScale / cap, end - start, logits);
            if (_config.LogitSoftCap is null)
                continue;
            Path.Tanh(end - start, logits);
            Path.Scale(cap, end - start, logits);
        }
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
