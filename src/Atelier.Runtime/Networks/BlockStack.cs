using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>The shape of the blocks of a <see cref="BlockStack"/>.</summary>
/// <param name="HiddenSize">The width of the residual stream.</param>
/// <param name="HeadCount">Number of heads.</param>
/// <param name="HeadSize">The width of a head.</param>
/// <param name="FeedForwardSize">The inner width of a feed-forward layer.</param>
internal sealed record StackShape(int HiddenSize, int HeadCount, int HeadSize, int FeedForwardSize)
{
    public required ActivationName Activation { get; init; }

    public NormName Norm { get; init; } = NormName.Layer;

    public required double NormEpsilon { get; init; }

    /// <summary>Whether norms come before the layers instead of after the residual connections.</summary>
    public bool NormFirst { get; init; }

    /// <summary>The width of the queries, keys and values of all heads.</summary>
    public int AttentionSize => HeadCount * HeadSize;
}

/// <summary>What the rows of a <see cref="BlockStack"/> attend to.</summary>
internal unsafe interface IStackAttention
{
    /// <summary>Computes a worker's part of self-attention.</summary>
    /// <param name="worker">The number of the worker.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="queries">The queries of all heads, [rows, attention size].</param>
    /// <param name="keys">The keys.</param>
    /// <param name="values">The values.</param>
    /// <param name="mixed">Filled with the results.</param>
    void Attend(int worker, int layer, float* queries, float* keys, float* values, float* mixed);

    /// <summary>Computes a worker's part of the attention to the encoded sources.</summary>
    /// <param name="worker">The number of the worker.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="queries">The queries of all heads, [rows, attention size].</param>
    /// <param name="mixed">Filled with the results.</param>
    void AttendToSource(int worker, int layer, float* queries, float* mixed);
}

/// <summary>
/// The blocks of a Transformer without a causal cache of its own: self-attention, attention to a source where blocks
/// have it, and a feed-forward layer (Vaswani et al. 2017, section 3.1). All rows are one matrix. Each worker computes
/// its rows of every product; barriers separate the parts.
/// </summary>
internal sealed unsafe class BlockStack : IDisposable
{
    private readonly StackShape _shape;
    private readonly PassBlock[] _blocks;
    private readonly KernelPath _path;
    private readonly WorkerPool _pool;
    private readonly bool _hasGate;
    private float* _queries, _inner, _gate;

    /// <summary>Creates the stack.</summary>
    /// <param name="shape">The shape of the blocks.</param>
    /// <param name="blocks">The blocks.</param>
    /// <param name="path">The kernels.</param>
    /// <param name="pool">The workers.</param>
    public BlockStack(StackShape shape, PassBlock[] blocks, KernelPath path, WorkerPool pool)
    {
        (_shape, _blocks, _path, _pool) = (shape, blocks, path, pool);
        _hasGate = shape.Activation.IsGated() || shape.Activation == ActivationName.Silu;
        Products = Allocate(1);
    }

    /// <summary>The residual stream, [rows, hidden].</summary>
    public float* X { get; private set; }

    /// <summary>Memory of the same size, free after the last block.</summary>
    public float* Sums { get; private set; }

    /// <summary>Memory for the keys of all heads, free after the last block.</summary>
    public float* Keys { get; private set; }

    /// <summary>Memory for the values of all heads, free after the last block.</summary>
    public float* Values { get; private set; }

    /// <summary>Memory for the results of attention, free after the last block.</summary>
    public float* Mixed { get; private set; }

    /// <summary>The memory of the rows, which is replaced when <see cref="MakeRoom"/> returns true.</summary>
    public PassScratch Scratch { get; private set; } = new();

    /// <summary>The linear layers.</summary>
    public PassProducts Products { get; private set; }

    /// <summary>Receives the residual stream of a pass over one sequence; null if it is not wanted.</summary>
    public PassTrace? Trace { get; set; }

    /// <summary>Receives the vectors that linear layers multiply; null if they are not wanted.</summary>
    public ILinearInputs? Inputs
    {
        get => Products.Inputs;
        set => Products.Inputs = value;
    }

    /// <summary>The largest number of rows.</summary>
    public int Room { get; private set; }

    /// <summary>Makes room for a number of rows; returns whether the memory is new.</summary>
    public bool MakeRoom(int rows)
    {
        if (rows <= Room)
            return false;
        ILinearInputs? inputs = Inputs;
        Products = Allocate(rows);
        Inputs = inputs;
        return true;
    }

    /// <summary>Returns a row of vectors as wide as the residual stream.</summary>
    public float* RowOf(float* vectors, int row) => vectors + (long)row * _shape.HiddenSize;

    /// <summary>Computes a worker's part of all blocks. Ends with a barrier.</summary>
    /// <param name="worker">The number of the worker.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="attention">What they attend to.</param>
    /// <param name="position">The position of the first row, for the trace.</param>
    public void Run(int worker, int rows, IStackAttention attention, int position = 0)
    {
        int size = _shape.AttentionSize, inner = _shape.FeedForwardSize;
        for (int layer = 0; layer < _blocks.Length; layer++)
        {
            PassBlock block = _blocks[layer];
            Record(worker, layer, rows, position);
            Operand x = Input(worker, X, rows, block.AttentionNorm,
                block.Query.IsBlocked || block.Key.IsBlocked || block.Value.IsBlocked);
            Products.Multiply(worker, block.Query, x, rows, _queries, size, asAlone: false);
            Products.Multiply(worker, block.Key, x, rows, Keys, size, asAlone: false);
            Products.Multiply(worker, block.Value, x, rows, Values, size, asAlone: false);
            _pool.Barrier();
            attention.Attend(worker, layer, _queries, Keys, Values, Mixed);
            _pool.Barrier();
            AddLayer(worker, block.Output, Mixed, rows, block.AttentionNorm);
            if (block.Cross is { } cross)
            {
                x = Input(worker, X, rows, cross.Norm, cross.Query.IsBlocked);
                Products.Multiply(worker, cross.Query, x, rows, _queries, size, asAlone: false);
                _pool.Barrier();
                attention.AttendToSource(worker, layer, _queries, Mixed);
                _pool.Barrier();
                AddLayer(worker, cross.Output, Mixed, rows, cross.Norm);
            }
            PassFeedForward feedForward = block.FeedForward!; // encoders have no experts
            x = Input(worker, X, rows, block.FeedForwardNorm, feedForward.IsBlocked);
            Products.FeedForward(worker, feedForward, _shape.Activation, x, rows, _inner, _gate, asAlone: false);
            _pool.Barrier();
            AddLayer(worker, feedForward.Down, _inner, rows, block.FeedForwardNorm);
        }
        Record(worker, _blocks.Length, rows, position);
    }

    /// <summary>Returns normalised rows as the operand of products, quantised too if weights are blocked.</summary>
    public Operand Normed(int worker, float* x, int rows, in PassNorm norm, bool areBlocked)
    {
        (Operand to, int start, int end) = Products.Begin(worker, rows);
        for (int row = start; row < end; row++)
        {
            Norm(RowOf(x, row), norm, RowOf(to.Floats, row));
            if (areBlocked)
                Products.ToBytes(to.Floats, row, _shape.HiddenSize, to.Bytes);
        }
        Products.Finish(rows);
        return to;
    }

    /// <summary>Normalises a row.</summary>
    public void Norm(float* x, in PassNorm norm, float* y)
    {
        if (_shape.Norm == NormName.Rms)
            _path.RmsNorm(x, norm.Weight, _shape.HiddenSize, (float)_shape.NormEpsilon, y);
        else
            _path.LayerNorm(x, norm.Weight, norm.Bias, _shape.HiddenSize, (float)_shape.NormEpsilon, y);
    }

    /// <inheritdoc/>
    public void Dispose() => Scratch.Dispose();

    private PassProducts Allocate(int rows)
    {
        Scratch.Dispose();
        (Scratch, Room) = (new PassScratch(), rows);
        int hidden = _shape.HiddenSize, size = _shape.AttentionSize, inner = _shape.FeedForwardSize;
        X = Rows(hidden);
        Sums = Rows(hidden);
        _queries = Rows(size);
        Keys = Rows(size);
        Values = Rows(size);
        Mixed = Rows(size);
        _inner = Rows(inner);
        _gate = _hasGate ? Rows(inner) : null;
        return new PassProducts(_path, _pool, Scratch, rows, Math.Max(Math.Max(hidden, size), inner));

        float* Rows(int width) => Scratch.Floats((long)rows * width);
    }

    private void Record(int worker, int layer, int rows, int position)
    {
        if (Trace is null)
            return;
        (int start, int end) = Products.Share(worker, rows);
        for (int row = start; row < end; row++)
            Trace.Keep(layer, position + row, RowOf(X, row));
    }

    private Operand Input(int worker, float* x, int rows, in PassNorm norm, bool areBlocked) => _shape.NormFirst
        ? Normed(worker, x, rows, norm, areBlocked)
        : Products.InBytes(worker, x, rows, _shape.HiddenSize, areBlocked);

    /// <summary>Adds a product to the residual stream; norms that do not come first follow the sum.</summary>
    private void AddLayer(int worker, in PassProduct product, float* y, int rows, in PassNorm norm)
    {
        Operand operand = Products.InBytes(worker, y, rows, product.Weight.Columns, product.IsBlocked);
        Products.AddProduct(worker, product, operand, rows, Sums, X, asAlone: false);
        _pool.Barrier();
        if (_shape.NormFirst)
            return;
        (int start, int end) = Products.Share(worker, rows);
        for (int row = start; row < end; row++)
            Norm(RowOf(X, row), norm, RowOf(X, row));
        _pool.Barrier();
    }
}
