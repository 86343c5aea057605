using Atelier.Abstractions;
using Atelier.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>
/// A low-rank adapter of some rows of a linear layer (LoRA; Hu et al. 2022, section 4.1): W x + s B A dropout(x), with
/// a random A and B = 0 at first, so that it begins as no change. With magnitudes m (DoRA; Liu et al. 2024, eq. 5 and
/// section 4.3), each row of W + s B A is scaled by m / ‖W + s B A‖, where no gradient flows to the norm.
/// </summary>
internal sealed class LowRankAdapter : IDisposable
{
    private readonly Linear _layer;
    private readonly double _scale, _dropout;

    private LowRankAdapter(Linear layer, long start, double scale, double dropout, Tensor a, Tensor b,
        Tensor? magnitude)
    {
        (_layer, Start, _scale, _dropout) = (layer, start, scale, dropout);
        Device device = layer.Weight.device;
        (A, B) = (new Parameter(a.to(device)), new Parameter(b.to(device)));
        Magnitude = magnitude is null ? null : new Parameter(magnitude.to(device));
        foreach (Parameter parameter in Parameters)
            parameter.DetachFromDisposeScope();
        layer.Adapters.Add(this);
    }

    /// <summary>The first row.</summary>
    public long Start { get; }

    /// <summary>The number of rows.</summary>
    public long Count => B.shape[0];

    /// <summary>A, [rank, inputs].</summary>
    public Parameter A { get; }

    /// <summary>B, [rows, rank].</summary>
    public Parameter B { get; }

    /// <summary>m, [rows], or null.</summary>
    public Parameter? Magnitude { get; }

    /// <summary>A, B and m if there is one.</summary>
    public IReadOnlyList<Parameter> Parameters => Magnitude is null ? [A, B] : [A, B, Magnitude];

    private Tensor Rows => _layer.Weight.narrow(0, Start, Count);

    /// <summary>Adds a new adapter to a layer. A is drawn as by the authors: uniformly within ±1/√inputs.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="start">The first row.</param>
    /// <param name="count">The number of rows.</param>
    /// <param name="shape">The rank, the factor s and the dropout.</param>
    /// <param name="hasMagnitudes">Whether it has magnitudes: the lengths of the rows of W at first.</param>
    /// <param name="random">Draws A.</param>
    public static LowRankAdapter Create(Linear layer, long start, long count, LoraAdapter shape, bool hasMagnitudes,
        Generator random)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        long inputs = layer.Weight.shape[1];
        double bound = 1 / Math.Sqrt(inputs);
        return new LowRankAdapter(layer, start, shape.Scale, shape.Dropout,
            empty(shape.Rank, inputs).uniform_(-bound, bound, random), zeros(count, shape.Rank),
            hasMagnitudes ? Lengths(layer.Weight.narrow(0, start, count)) : null);
    }

    /// <summary>Adds an adapter that was read from a file to a layer.</summary>
    public static LowRankAdapter From(LoraLayer read, Linear layer, long start, LoraAdapter adapter)
    {
        using var scope = NewDisposeScope();
        return new LowRankAdapter(layer, start, adapter.Scale, adapter.Dropout,
            tensor(read.A, [adapter.Rank, read.Inputs]), tensor(read.B, [read.Outputs, adapter.Rank]),
            read.Magnitude is null ? null : tensor(read.Magnitude));
    }

    /// <summary>Adds an adapter to the same layer of another model, which shares the memory of this one.</summary>
    public LowRankAdapter ShareWith(Linear layer)
    {
        using var scope = NewDisposeScope();
        return new LowRankAdapter(layer, Start, _scale, _dropout, A.detach(), B.detach(), Magnitude?.detach());
    }

    /// <summary>Adds the change to the rows of a product.</summary>
    /// <param name="y">W x + b, [..., outputs]; changed in place.</param>
    /// <param name="x">[..., inputs].</param>
    public void AddTo(Tensor y, Tensor x)
    {
        using var scope = NewDisposeScope(); // what no gradient needs is gone before the next layer begins
        Tensor dropped = Dropout.Apply(x, _layer.training ? _dropout : 0);
        Tensor change = Linear.Product(Linear.Product(dropped, A, null, _layer.Precision), B, null, _layer.Precision)
            .Times(_scale);
        if (Magnitude is not null)
        {
            Tensor factors = Magnitude / Lengths(Adapted().detach()); // [rows]
            Tensor product = Linear.Product(dropped, Rows, null, _layer.Precision);
            change = change.mul(factors).Plus(product.mul(factors.PlusNumber(-1)));
        }
        y.narrow(-1, Start, Count).add_(change, KeptScalars.One);
    }

    /// <summary>The rows of W with the change, [rows, inputs], in the caller's dispose scope.</summary>
    public Tensor Merged()
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        Tensor rows = Adapted();
        if (Magnitude is not null)
            rows = rows.mul((Magnitude / Lengths(rows)).unsqueeze(1));
        return rows.MoveToOuterDisposeScope();
    }

    /// <summary>The matrices, for a file.</summary>
    /// <param name="name">The name of the layer in the files of the model.</param>
    public LoraLayer ToFile(string name)
    {
        using var scope = NewDisposeScope();
        return new LoraLayer(name, (int)A.shape[1], (int)Count, Numbers(A), Numbers(B),
            Magnitude is null ? null : Numbers(Magnitude));
    }

    /// <summary>Removes the adapter from its layer.</summary>
    public void Dispose()
    {
        _layer.Adapters.Remove(this);
        foreach (Parameter parameter in Parameters)
            parameter.Dispose();
    }

    /// <summary>W + s B A.</summary>
    private Tensor Adapted() => Rows.Plus(B.mm(A).Times(_scale));

    private static Tensor Lengths(Tensor rows) => rows.Squared().sum(1).sqrt();

    private static float[] Numbers(Tensor tensor) => tensor.detach().cpu().data<float>().ToArray();
}
