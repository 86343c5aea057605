using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>
/// The linear layers of a pass: each worker prepares its share of the input vectors and computes its rows of every
/// product. Each row of vectors is one token.
/// </summary>
internal sealed unsafe class PassProducts
{
    /// <summary>
    /// Up to this number of rows, every worker prepares all input vectors of a product itself, which is faster than
    /// waiting for the others.
    /// </summary>
    private const int FewRows = 2;

    /// <summary>
    /// Below this size of the weights in bytes, one thread is faster than several that wait at barriers: 22 µs for a
    /// token instead of 44 with 0.4 MB, 80 instead of 86 with 1 MB (benchmarks/run step-cost MODEL 200 1).
    /// </summary>
    private const long AloneBelow = 1 << 20;

    private readonly KernelPath _path;
    private readonly WorkerPool _pool;
    private readonly Operand _shared;
    private readonly Operand[] _own; // one for each worker

    /// <summary>Allocates the operands.</summary>
    /// <param name="path">The kernels.</param>
    /// <param name="pool">The workers.</param>
    /// <param name="scratch">The memory.</param>
    /// <param name="rows">The largest number of rows.</param>
    /// <param name="widest">The largest number of inputs of a product.</param>
    public PassProducts(KernelPath path, WorkerPool pool, PassScratch scratch, int rows, int widest)
    {
        (_path, _pool) = (path, pool);
        _shared = scratch.Operand(rows, widest);
        _own = new Operand[pool.Workers];
        for (int worker = 0; worker < _own.Length; worker++)
            _own[worker] = scratch.Operand(FewRows, widest);
    }

    /// <summary>Receives the vectors of products; null if they are not wanted.</summary>
    public ILinearInputs? Inputs { get; set; }

    /// <summary>Returns the number of workers for a wanted number of threads, where 0 leaves the choice.</summary>
    public static int Workers(int threads, long weightBytes) =>
        threads > 0 ? threads : weightBytes < AloneBelow ? 1 : Environment.ProcessorCount;

    /// <summary>Returns the range of rows that a worker prepares.</summary>
    public (int Start, int End) Share(int worker, int rows) =>
        (rows * worker / _pool.Workers, rows * (worker + 1) / _pool.Workers);

    /// <summary>
    /// Returns memory for the operand of a product and the rows that a worker fills: all of them in memory of its own
    /// if they are few. Call <see cref="Finish"/> afterwards.
    /// </summary>
    public (Operand To, int Start, int End) Begin(int worker, int rows) =>
        rows <= FewRows ? (_own[worker], 0, rows) : (_shared, Share(worker, rows).Start, Share(worker, rows).End);

    /// <summary>Waits until all rows of an operand are filled.</summary>
    public void Finish(int rows)
    {
        if (rows > FewRows)
            _pool.Barrier();
    }

    /// <summary>
    /// Returns vectors as the operand of products, quantised to 8 bits too if any of their weights are blocked.
    /// </summary>
    public Operand InBytes(int worker, float* x, int rows, int columns, bool areBlocked)
    {
        if (!areBlocked)
            return new Operand(x, default);
        (Operand to, int start, int end) = Begin(worker, rows);
        for (int row = start; row < end; row++)
            ToBytes(x, row, columns, to.Bytes);
        Finish(rows);
        return new Operand(x, to.Bytes);
    }

    /// <summary>Quantises a row to 8 bits.</summary>
    public void ToBytes(float* x, int row, int columns, in ByteVectors bytes)
    {
        if (columns % WeightTypes.BlockSize != 0)
            return; // blocked weights have no rows of this size
        long at = (long)row * columns;
        _path.ToBytes(x + at, columns, bytes.At(row, columns));
    }

    /// <summary>Computes a worker's rows of a product and adds the bias.</summary>
    /// <param name="worker">The number of the worker.</param>
    /// <param name="product">The weights and the bias.</param>
    /// <param name="x">The input vectors.</param>
    /// <param name="vectors">Number of vectors.</param>
    /// <param name="y">The results, [vectors, yStride].</param>
    /// <param name="yStride">Number of elements from one result to the next.</param>
    /// <param name="asAlone">Whether the result of each vector is bit for bit that without the others.</param>
    public void Multiply(int worker, in PassProduct product, in Operand x, int vectors, float* y, int yStride,
        bool asAlone)
    {
        if (worker == 0)
            Inputs?.Add(product.Weight.Name, new(x.Floats, vectors * product.Weight.Columns), product.Weight.Columns);
        (int start, int end) = product.Share(worker, _pool.Workers);
        if (start == end)
            return;
        if (product.Packed is { } packed)
        {
            _path.MultiplyPacked(packed.Rows, start, end, product.Bias, x.Floats, vectors, y, yStride);
            return;
        }
        var rows = new ProductRows(product.Weight, start, end - start);
        _path.Multiply(rows, x.Floats, x.Bytes, vectors, y + start, yStride, asAlone);
        product.Slot.Adapter?.Apply(worker, _path, x.Floats, vectors, start, end - start, y + start, yStride, asAlone);
        if (product.Bias is null)
            return;
        for (int vector = 0; vector < vectors; vector++)
            _path.Add(product.Bias + start, end - start, y + (long)vector * yStride + start);
    }

    /// <summary>Adds a worker's rows of a product, times a factor, to the residual stream.</summary>
    /// <inheritdoc cref="Multiply"/>
    public void AddProduct(int worker, in PassProduct product, in Operand x, int vectors, float* sums, float* residual,
        bool asAlone, float factor = 1)
    {
        int hidden = product.Weight.Rows;
        Multiply(worker, product, x, vectors, sums, hidden, asAlone);
        (int start, int end) = product.Share(worker, _pool.Workers);
        for (int row = 0; row < vectors; row++)
            AddTimes(factor, sums + (long)row * hidden + start, end - start, residual + (long)row * hidden + start);
    }

    /// <summary>Computes y += factor · x.</summary>
    public void AddTimes(float factor, float* x, int size, float* y)
    {
        if (factor == 1)
            _path.Add(x, size, y);
        else
            _path.AddWeighted(&factor, x, 1, size, y);
    }

    /// <summary>Computes a worker's units of a feed-forward layer before its second product.</summary>
    /// <param name="worker">The number of the worker.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="activation">The activation function.</param>
    /// <param name="x">The input vectors.</param>
    /// <param name="vectors">Number of vectors.</param>
    /// <param name="inner">Filled with the activations, [vectors, feed-forward].</param>
    /// <param name="gate">Memory of the same size for a gate.</param>
    /// <param name="asAlone">Whether the result of each vector is bit for bit that without the others.</param>
    public void FeedForward(int worker, PassFeedForward layer, ActivationName activation, in Operand x, int vectors,
        float* inner, float* gate, bool asAlone)
    {
        int size = layer.Up.Weight.Rows;
        Multiply(worker, layer.Up, x, vectors, inner, size, asAlone);
        if (layer.Gate is { } gates)
            Multiply(worker, gates, x, vectors, gate, size, asAlone);
        (int start, int end) = layer.Up.Share(worker, _pool.Workers);
        for (int row = 0; row < vectors; row++)
        {
            long at = (long)row * size + start;
            Activate(activation, gate + at, end - start, inner + at);
        }
    }

    /// <summary>
    /// Applies an activation function in place; gated ones read the gate and, as SiLU does, overwrite it.
    /// </summary>
    public void Activate(ActivationName activation, float* gate, int size, float* y)
    {
        switch (activation)
        {
            case ActivationName.GeGlu:
                _path.Gelu(size, gate, tanh: true);
                _path.MultiplyBy(gate, size, y);
                break;
            case ActivationName.Silu:
                new ReadOnlySpan<float>(y, size).CopyTo(new Span<float>(gate, size));
                _path.Sigmoid(size, gate);
                _path.MultiplyBy(gate, size, y);
                break;
            case ActivationName.SwiGlu:
                _path.SwiGlu(gate, size, y);
                break;
            case ActivationName.Relu:
                _path.Relu(size, y);
                break;
            default:
                _path.Gelu(size, y, tanh: activation == ActivationName.GeluTanh);
                break;
        }
    }
}
