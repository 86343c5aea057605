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
    private readonly float _epsilon;
    private PassScratch _scratch = new(); // for the largest step so far
    private PassProducts _products;
    private EncoderAttention _attention;
    private float* _x, _queries, _keys, _values, _mixed, _sums, _inner;
    private int _room, _longest;

    // The current step.
    private EncoderInput[] _inputs = [];
    private int[] _starts = [0]; // the row of each sequence's first token; then the number of rows
    private int[] _wanted = []; // the rows that a head reads
    private EncoderHead _head;
    private float* _results;

    /// <summary>Creates a pass.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="weights">The weights.</param>
    /// <param name="parts">The weights prepared for passes, which several passes may share.</param>
    /// <param name="path">The kernels.</param>
    /// <param name="workers">Number of workers.</param>
    public EncoderPass(EncoderConfig config, EncoderWeights weights, EncoderParts parts, KernelPath path, int workers)
    {
        (_config, _weights, _parts, _path, Pool) = (config, weights, parts, path, new WorkerPool(workers));
        _epsilon = (float)config.NormEpsilon;
        (_products, _attention) = MakeRoom(1, 1);
    }

    /// <summary>The workers.</summary>
    public WorkerPool Pool { get; }

    /// <summary>Computes the hidden states of sequences, already checked.</summary>
    public void Run(EncoderInput[] inputs) => Run(inputs, EncoderHead.None, [], []);

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
        if (_starts[^1] > _room || longest > _longest)
            (_products, _attention) = MakeRoom(Math.Max(_room, _starts[^1]), Math.Max(_longest, longest));
        fixed (float* to = results)
        {
            _results = to;
            Pool.Run(this);
            _results = null;
        }
        _inputs = []; // keep no reference after the step
    }

    /// <summary>Returns the hidden states of a sequence of the last step, [tokens, hidden].</summary>
    public ReadOnlySpan<float> States(int input) =>
        new(RowOf(_x, _starts[input]), (_starts[input + 1] - _starts[input]) * _config.HiddenSize);

    /// <inheritdoc/>
    public void Run(int worker)
    {
        int rows = _starts[^1], hidden = _config.HiddenSize, size = _config.FeedForwardSize;
        Embed(worker);
        Pool.Barrier();
        foreach (PassBlock block in _parts.Blocks)
        {
            Operand x = _products.InBytes(worker, _x, rows, hidden,
                block.Query.IsBlocked || block.Key.IsBlocked || block.Value.IsBlocked);
            _products.Multiply(worker, block.Query, x, rows, _queries, hidden, asAlone: false);
            _products.Multiply(worker, block.Key, x, rows, _keys, hidden, asAlone: false);
            _products.Multiply(worker, block.Value, x, rows, _values, hidden, asAlone: false);
            Pool.Barrier();
            Attend(worker);
            Pool.Barrier();
            x = _products.InBytes(worker, _mixed, rows, hidden, block.Output.IsBlocked);
            AddNormed(worker, block.Output, x, block.AttentionNorm);
            x = _products.InBytes(worker, _x, rows, hidden, block.Up.IsBlocked);
            _products.FeedForward(worker, block, _config.Activation, x, rows, _inner, null, asAlone: false);
            Pool.Barrier();
            x = _products.InBytes(worker, _inner, rows, size, block.Down.IsBlocked);
            AddNormed(worker, block.Down, x, block.FeedForwardNorm);
        }
        Head(worker);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Pool.Dispose();
        _scratch.Dispose();
    }

    private (PassProducts Products, EncoderAttention Attention) MakeRoom(int rows, int longest)
    {
        _scratch.Dispose();
        _scratch = new PassScratch();
        (_room, _longest) = (rows, longest);
        int hidden = _config.HiddenSize;
        _x = Rows(hidden);
        _queries = Rows(hidden);
        _keys = Rows(hidden);
        _values = Rows(hidden);
        _mixed = Rows(hidden);
        _sums = Rows(hidden);
        _inner = Rows(_config.FeedForwardSize);
        return (new PassProducts(_path, Pool, _scratch, rows, Math.Max(hidden, _config.FeedForwardSize)),
            new EncoderAttention(_config, _path, _scratch, Pool.Workers, longest));

        float* Rows(int size) => _scratch.Floats((long)rows * size);
    }

    /// <summary>Adds the embeddings of a worker's tokens, positions and types.</summary>
    private void Embed(int worker)
    {
        int hidden = _config.HiddenSize;
        (int start, int end) = _products.Share(worker, _starts[^1]);
        for (int i = 0; i < _inputs.Length; i++)
        {
            ReadOnlySpan<int> tokens = _inputs[i].Tokens.Span, types = _inputs[i].Types.Span;
            for (int row = Math.Max(start, _starts[i]); row < Math.Min(end, _starts[i + 1]); row++)
            {
                int at = row - _starts[i];
                float* x = RowOf(_x, row), added = RowOf(_sums, row);
                _weights.Embedding.ReadRow(tokens[at], new Span<float>(x, hidden));
                _weights.Positions.ReadRow(_config.PositionOffset + at, new Span<float>(added, hidden));
                _path.Add(added, hidden, x);
                _weights.Types.ReadRow(types.IsEmpty ? 0 : types[at], new Span<float>(added, hidden));
                _path.Add(added, hidden, x);
                Norm(x, _parts.EmbeddingNorm);
            }
        }
    }

    /// <summary>Computes a worker's heads of attention.</summary>
    private void Attend(int worker)
    {
        int item = 0;
        for (int i = 0; i < _inputs.Length; i++)
        {
            int start = _starts[i], count = _starts[i + 1] - start;
            for (int head = 0; head < _config.HeadCount; head++)
            {
                if (item++ % Pool.Workers == worker)
                    _attention.Mix(worker, count, head, RowOf(_queries, start), RowOf(_keys, start),
                        RowOf(_values, start), RowOf(_mixed, start));
            }
        }
    }

    /// <summary>Adds a product to the residual stream, then normalises it: norm(x + W y + b).</summary>
    private void AddNormed(int worker, in PassProduct product, in Operand y, in PassNorm norm)
    {
        int rows = _starts[^1];
        _products.AddProduct(worker, product, y, rows, _sums, _x, asAlone: false);
        Pool.Barrier();
        (int start, int end) = _products.Share(worker, rows);
        for (int row = start; row < end; row++)
            Norm(RowOf(_x, row), norm);
        Pool.Barrier();
    }

    private void Norm(float* x, in PassNorm norm) =>
        _path.LayerNorm(x, norm.Weight, norm.Bias, _config.HiddenSize, _epsilon, x);

    /// <summary>Computes a head's results for the wanted rows.</summary>
    private void Head(int worker)
    {
        int hidden = _config.HiddenSize, rows = _wanted.Length;
        if (_head == EncoderHead.None)
            return;
        (int first, int after) = _products.Share(worker, rows);
        for (int i = first; i < after; i++)
            new ReadOnlySpan<float>(RowOf(_x, _wanted[i]), hidden).CopyTo(new Span<float>(RowOf(_mixed, i), hidden));
        Pool.Barrier();
        PassProduct inner = _head == EncoderHead.Pooler ? _parts.Pooler!.Value : _parts.Transform!.Value;
        Operand x = _products.InBytes(worker, _mixed, rows, hidden, inner.IsBlocked);
        float* y = _head == EncoderHead.Pooler ? _results : _sums;
        _products.Multiply(worker, inner, x, rows, y, hidden, asAlone: false);
        Pool.Barrier();
        for (int i = first; i < after; i++)
        {
            if (_head == EncoderHead.Pooler)
            {
                _path.Tanh(hidden, RowOf(y, i));
                continue;
            }
            _products.Activate(_config.Activation, null, hidden, RowOf(y, i));
            Norm(RowOf(y, i), _parts.HeadNorm);
        }
        Pool.Barrier();
        if (_head == EncoderHead.Pooler)
            return;
        x = _products.InBytes(worker, _sums, rows, hidden, _parts.Decoder!.Value.IsBlocked);
        _products.Multiply(worker, _parts.Decoder!.Value, x, rows, _results, _config.VocabularySize, asAlone: false);
    }

    private float* RowOf(float* vectors, int row) => vectors + (long)row * _config.HiddenSize;
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
