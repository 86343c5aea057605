using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>
/// Computes the hidden states of several sequences with the workers of a pool in parallel. The rows of all sequences
/// are one matrix, so products waste nothing on padding; attention is computed for each sequence. Each worker computes
/// its rows of every product and its heads; barriers separate the parts.
/// </summary>
internal sealed unsafe class EncoderPass : IParallelWork, IDisposable
{
    private readonly EncoderConfig _config;
    private readonly EncoderWeights _weights;
    private readonly KernelPath _path;
    private readonly EncoderParts _parts;
    private readonly StackShape _shape;
    private readonly BlockStack _stack;
    private SequenceAttention _attention;

    // The current step.
    private EncoderInput[] _inputs = [];
    private int[] _starts = [0]; // the row of each sequence's first token; then the number of rows
    private int[] _wanted = []; // the rows that a head reads
    private EncoderHead _head;
    private PassTrace? _trace;
    private float* _results;
    private bool _isHeadOnly;

    /// <summary>Creates a pass.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="weights">The weights.</param>
    /// <param name="parts">The weights prepared for passes, which several passes may share.</param>
    /// <param name="path">The kernels.</param>
    /// <param name="workers">Number of workers.</param>
    public EncoderPass(EncoderConfig config, EncoderWeights weights, EncoderParts parts, KernelPath path, int workers)
    {
        (_config, _weights, _parts, _path, Pool) = (config, weights, parts, path, new WorkerPool(workers));
        _shape = new StackShape(config.HiddenSize, config.HeadCount, config.HeadSize, config.FeedForwardSize)
        {
            Activation = config.Activation,
            NormEpsilon = config.NormEpsilon,
        };
        _stack = new BlockStack(_shape, parts.Blocks, path, Pool);
        _attention = Attention(1);
    }

    /// <summary>The workers.</summary>
    public WorkerPool Pool { get; }

    /// <summary>Computes the hidden states of sequences, already checked.</summary>
    public void Run(EncoderInput[] inputs) => Run(inputs, EncoderHead.None, [], []);

    /// <summary>Computes the hidden states of one sequence and records what the blocks compute.</summary>
    public void Run(EncoderInput input, PassTrace trace)
    {
        _stack.Trace = _trace = trace;
        Run([input]);
        _stack.Trace = _trace = null; // keep no reference after the step
    }

    /// <summary>Computes the hidden states of one sequence and shows the vectors that the linear layers of blocks
    /// multiply.</summary>
    public void Run(EncoderInput input, ILinearInputs inputs)
    {
        _stack.Inputs = inputs;
        Run([input]);
        _stack.Inputs = null;
    }

    /// <summary>Computes the logits that the masked-LM head gives for rows of the residual stream.</summary>
    /// <param name="states">The rows, [rows, hidden].</param>
    /// <param name="logits">Filled with the logits, [rows, vocabulary].</param>
    public void RunHead(ReadOnlySpan<float> states, Span<float> logits)
    {
        int rows = states.Length / _config.HiddenSize;
        if (_stack.MakeRoom(rows))
            _attention = Attention(_attention.Longest);
        states.CopyTo(new Span<float>(_stack.X, states.Length));
        (_starts, _head, _wanted, _isHeadOnly) = ([0, rows], EncoderHead.Masked, [.. Enumerable.Range(0, rows)], true);
        Run(logits);
        _isHeadOnly = false;
    }

    /// <summary>Computes the hidden states of sequences, and a head's results for some of the rows.</summary>
    /// <param name="inputs">The sequences, already checked.</param>
    /// <param name="head">The head.</param>
    /// <param name="wanted">The rows that the head reads, at most as many as there are tokens.</param>
    /// <param name="results">Filled with the results, [wanted, hidden] or [wanted, vocabulary].</param>
    public void Run(EncoderInput[] inputs, EncoderHead head, int[] wanted, Span<float> results)
    {
        (_inputs, _starts, _head, _wanted) = (inputs, new int[inputs.Length + 1], head, wanted);
        int longest = 0;
        for (int i = 0; i < inputs.Length; i++)
        {
            _starts[i + 1] = _starts[i] + inputs[i].Tokens.Length;
            longest = Math.Max(longest, inputs[i].Tokens.Length);
        }
        if (_stack.MakeRoom(_starts[^1]) || longest > _attention.Longest)
            _attention = Attention(Math.Max(longest, 2 * _attention.Longest));
        (_attention.Starts, _attention.Trace) = (_starts, _trace);
        Run(results);
        _inputs = []; // keep no reference after the step
        _attention.Trace = null;
    }

    /// <summary>Returns the hidden states of a sequence of the last step, [tokens, hidden].</summary>
    public ReadOnlySpan<float> States(int input) =>
        new(_stack.RowOf(_stack.X, _starts[input]), (_starts[input + 1] - _starts[input]) * _config.HiddenSize);

    /// <inheritdoc/>
    public void Run(int worker)
    {
        if (!_isHeadOnly)
        {
            Embed(worker);
            Pool.Barrier();
            _stack.Run(worker, _starts[^1], _attention);
        }
        Head(worker);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Pool.Dispose();
        _stack.Dispose();
    }

    private void Run(Span<float> results)
    {
        fixed (float* to = results)
        {
            _results = to;
            Pool.Run(this);
            _results = null;
        }
    }

    private SequenceAttention Attention(int longest) =>
        new(_shape, 1 / MathF.Sqrt(_shape.HeadSize), bias: null, _path, _stack.Scratch, Pool.Workers, longest);

    /// <summary>Adds the embeddings of a worker's tokens, positions and types.</summary>
    private void Embed(int worker)
    {
        int hidden = _config.HiddenSize;
        (int start, int end) = _stack.Products.Share(worker, _starts[^1]);
        for (int i = 0; i < _inputs.Length; i++)
        {
            ReadOnlySpan<int> tokens = _inputs[i].Tokens.Span, types = _inputs[i].Types.Span;
            for (int row = Math.Max(start, _starts[i]); row < Math.Min(end, _starts[i + 1]); row++)
            {
                int at = row - _starts[i];
                float* x = _stack.RowOf(_stack.X, row), added = _stack.RowOf(_stack.Sums, row);
                _weights.Embedding.ReadRow(tokens[at], new Span<float>(x, hidden));
                _weights.Positions.ReadRow(_config.PositionOffset + at, new Span<float>(added, hidden));
                _path.Add(added, hidden, x);
                _weights.Types.ReadRow(types.IsEmpty ? 0 : types[at], new Span<float>(added, hidden));
                _path.Add(added, hidden, x);
                _stack.Norm(x, _parts.EmbeddingNorm, x);
            }
        }
    }

    /// <summary>Computes a head's results for the wanted rows.</summary>
    private void Head(int worker)
    {
        int hidden = _config.HiddenSize, rows = _wanted.Length;
        if (_head == EncoderHead.None)
            return;
        PassProducts products = _stack.Products;
        (int first, int after) = products.Share(worker, rows);
        for (int i = first; i < after; i++)
            new ReadOnlySpan<float>(_stack.RowOf(_stack.X, _wanted[i]), hidden)
                .CopyTo(new Span<float>(_stack.RowOf(_stack.Mixed, i), hidden));
        Pool.Barrier();
        PassProduct inner = _head == EncoderHead.Pooler ? _parts.Pooler!.Value : _parts.Transform!.Value;
        Operand x = products.InBytes(worker, _stack.Mixed, rows, hidden, inner.IsBlocked);
        float* y = _head == EncoderHead.Pooler ? _results : _stack.Sums;
        products.Multiply(worker, inner, x, rows, y, hidden, asAlone: false);
        Pool.Barrier();
        for (int i = first; i < after; i++)
        {
            float* row = _stack.RowOf(y, i);
            if (_head == EncoderHead.Pooler)
            {
                _path.Tanh(hidden, row);
                continue;
            }
            products.Activate(_config.Activation, null, hidden, row);
            _stack.Norm(row, _parts.HeadNorm, row);
        }
        Pool.Barrier();
        if (_head == EncoderHead.Pooler)
            return;
        x = products.InBytes(worker, _stack.Sums, rows, hidden, _parts.Decoder!.Value.IsBlocked);
        products.Multiply(worker, _parts.Decoder!.Value, x, rows, _results, _config.VocabularySize, asAlone: false);
    }
}

/// <summary>An encoder's weights, prepared for passes.</summary>
internal sealed class EncoderParts : IDisposable
{
    public readonly PassBlock[] Blocks;
    public readonly PassNorm EmbeddingNorm, HeadNorm;
    public readonly PassProduct? Pooler, Transform, Decoder;

    private readonly PassScratch _memory = new();

    public EncoderParts(EncoderWeights weights, int panelRows)
    {
        Blocks = [.. weights.Blocks.Select(block => new PassBlock(block, _memory, panelRows))];
        EmbeddingNorm = new(weights.EmbeddingNorm, _memory);
        if (weights.Pooler is { } pooler)
            Pooler = new PassProduct(pooler, _memory);
        if (weights.MaskedHead is { } head)
        {
            (Transform, Decoder) = (new PassProduct(head.Transform, _memory), new PassProduct(head.Decoder, _memory));
            HeadNorm = new(head.Norm, _memory);
        }
    }

    public void Dispose() => _memory.Dispose();
}

/// <summary>What an encoder's pass computes from the hidden states.</summary>
internal enum EncoderHead
{
    None,
    Pooler,
    Masked,
}
