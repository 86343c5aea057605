using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>The shape of an attention layer.</summary>
/// <param name="HiddenSize">The width of what comes in and goes out.</param>
/// <param name="HeadCount">Query heads.</param>
/// <param name="KeyValueHeadCount">Key and value heads; divides the head count.</param>
/// <param name="HeadSize">The width of a head.</param>
/// <param name="Bias">Whether the products have biases.</param>
/// <param name="Dropout">The share of attention weights dropped in training.</param>
public sealed record AttentionShape(int HiddenSize, int HeadCount, int KeyValueHeadCount, int HeadSize, bool Bias,
    double Dropout)
{
    /// <summary>The width of all query heads.</summary>
    public int QuerySize => HeadCount * HeadSize;
}

/// <summary>Multi-head self-attention (Vaswani et al. 2017, section 3.2), with or without rotary positions.</summary>
public sealed class SelfAttention : nn.Module
{
    private readonly AttentionProduct _product;

    /// <summary>Makes the layer.</summary>
    /// <param name="shape">The configuration.</param>
    /// <param name="rotary">Turns queries and keys by their positions, or null; shared between layers.</param>
    /// <param name="product">Computes attention; shared between layers.</param>
    /// <param name="precision">The precision of the products.</param>
    /// <param name="deviation">The standard deviation of the first weights.</param>
    /// <param name="outputDeviation">The same of the output product's.</param>
    /// <param name="random">Draws them.</param>
    public SelfAttention(AttentionShape shape, RotaryPositions? rotary, AttentionProduct product, Precision precision,
        double deviation, double outputDeviation, Generator random)
        : base(nameof(SelfAttention))
    {
        (Shape, Rotary, _product) = (shape, rotary, product);
        int keyValueSize = shape.KeyValueHeadCount * shape.HeadSize;
        QueryKeyValue =
            new Linear(shape.HiddenSize, shape.QuerySize + 2 * keyValueSize, shape.Bias, precision, deviation, random);
        Output = new Linear(shape.QuerySize, shape.HiddenSize, shape.Bias, precision, outputDeviation, random);
        register_module("qkv", QueryKeyValue);
        register_module("output", Output);
    }

    /// <summary>The configuration.</summary>
    public AttentionShape Shape { get; }

    /// <summary>Turns queries and keys by their positions, or null.</summary>
    public RotaryPositions? Rotary { get; }

    /// <summary>Queries, keys and values in one product: rows of its weight are in that order.</summary>
    public Linear QueryKeyValue { get; }

    /// <summary>Mixes the heads' results.</summary>
    public Linear Output { get; }

    /// <summary>Attends.</summary>
    /// <param name="x">[batch, time, hidden].</param>
    /// <param name="cache">Keys and values of what came before, appended to; or null.</param>
    /// <returns>[batch, time, hidden].</returns>
    public Tensor Forward(Tensor x, KeyValueCache? cache)
    {
        TimedOperation timed = TimedOperation.Begin("attention", ref x);
        long batch = x.shape[0], time = x.shape[1];
        int heads = Shape.HeadCount, keyValueHeads = Shape.KeyValueHeadCount;
        // One copy puts the heads first, so that queries, keys and values are whole pieces of memory without further
        // copies.
        Tensor all = QueryKeyValue.forward(x).view(batch, time, heads + 2 * keyValueHeads, Shape.HeadSize)
            .permute(2, 0, 1, 3).contiguous(); // [heads + 2 · keyValueHeads, batch, time, headSize]
        if (Rotary is not null)
        {
            Tensor[] turned = all.split([heads + keyValueHeads, keyValueHeads], 0);
            all = cat([Rotary.Objective(turned[0], cache?.Length ?? 0), turned[1]], 0);
        }
        Tensor[] parts = all.split([heads, keyValueHeads, keyValueHeads], 0);
        (Tensor q, Tensor k, Tensor v) = (parts[0], parts[1], parts[2]);
        if (cache is not null)
            (k, v) = cache.Append(k, v);
        Tensor mixed = _product.Attend(q, k, v, training ? Shape.Dropout : 0); // [heads, batch, time, headSize]
        return timed.End(Output.forward(mixed.permute(1, 2, 0, 3).reshape(batch, time, Shape.QuerySize)));
    }
}
