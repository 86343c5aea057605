using Atelier.Layers.Fused;
using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>The shape of an attention layer.</summary>
/// <param name="HiddenSize">The width of input and output.</param>
/// <param name="HeadCount">The number of query heads.</param>
/// <param name="KeyValueHeadCount">The number of key heads and of value heads; it divides the number of query
/// heads.</param>
/// <param name="HeadSize">The width of a head.</param>
/// <param name="Bias">Whether the products have biases.</param>
/// <param name="Dropout">The share of attention weights dropped in training.</param>
/// <param name="SourceSize">In cross-attention, the width of the sequence that keys and values are computed from; null
/// for self-attention, where they are computed from the input.</param>
public sealed record AttentionShape(int HiddenSize, int HeadCount, int KeyValueHeadCount, int HeadSize, bool Bias,
    double Dropout, int? SourceSize = null)
{
    /// <summary>The width of all query heads.</summary>
    public int QuerySize => HeadCount * HeadSize;

    /// <summary>The width of all key heads, and of all value heads.</summary>
    public int KeyValueSize => KeyValueHeadCount * HeadSize;

    /// <summary>Divides the width of a model among heads.</summary>
    /// <exception cref="AtelierException">It is not divisible by their number.</exception>
    internal static int DividedSize(int hiddenSize, int headCount)
    {
        int down = hiddenSize / headCount * headCount, up = down + headCount;
        return down == hiddenSize
            ? hiddenSize / headCount
            : throw new AtelierException($"hiddenSize {hiddenSize} is not divisible by headCount {headCount}",
                "model.hiddenSize", down > 0 ? $"use {down} or {up}" : $"use {up}");
    }
}

/// <summary>
/// Multi-head attention of a sequence to itself or to another one (Vaswani et al. 2017, section 3.2.2). In training, a
/// <see cref="Sequential"/> may compute it by a fused kernel, of which this layer is the reference.
/// </summary>
public sealed class MultiHeadAttention : nn.Module, ISequenceLayer
{
    private readonly BareKernel _kernel;

    /// <summary>Creates the layer with new weights.</summary>
    /// <param name="shape">Its shape.</param>
    /// <param name="rotary">Rotates queries and keys by their positions, or null; shared between layers. Not for
    /// cross-attention, since two sequences have no positions in common.</param>
    /// <param name="product">Computes attention, causal or not; shared between layers.</param>
    /// <param name="precision">The precision of the products.</param>
    /// <param name="deviation">The standard deviation of the initial weights.</param>
    /// <param name="outputDeviation">The standard deviation of the output layer's initial weights.</param>
    /// <param name="random">Draws the weights.</param>
    /// <exception cref="ArgumentException">The shape is of cross-attention, with rotary positions or a causal
    /// product.</exception>
    public MultiHeadAttention(AttentionShape shape, RotaryPositions? rotary, AttentionProduct product,
        Precision precision, double deviation, double outputDeviation, Generator random)
        : base(nameof(MultiHeadAttention))
    {
        if (shape.SourceSize is not null && (rotary is not null || product.IsCausal))
            throw new ArgumentException("two sequences have no positions in common", nameof(shape));
        (Shape, Rotary, Product) = (shape, rotary, product);
        _kernel = new BareKernel(new MultiHeadAttentionKernel(this));
        int inputs = shape.SourceSize is null ? shape.QuerySize + (2 * shape.KeyValueSize) : shape.QuerySize;
        QueryKeyValue = new Linear(shape.HiddenSize, inputs, shape.Bias, precision, deviation, random);
        SourceKeyValue = shape.SourceSize is { } size
            ? new Linear(size, 2 * shape.KeyValueSize, shape.Bias, precision, deviation, random)
            : null;
        Output = new Linear(shape.QuerySize, shape.HiddenSize, shape.Bias, precision, outputDeviation, random);
        register_module(SourceKeyValue is null ? "qkv" : "query", QueryKeyValue);
        if (SourceKeyValue is not null)
            register_module("keyValue", SourceKeyValue);
        register_module("output", Output);
    }

    /// <summary>Its shape.</summary>
    public AttentionShape Shape { get; }

    /// <summary>Rotates queries and keys by their positions, or null.</summary>
    public RotaryPositions? Rotary { get; }

    /// <summary>
    /// Computes queries, keys and values, in that order of the weight's rows; in cross-attention only queries.
    /// </summary>
    public Linear QueryKeyValue { get; }

    /// <summary>Computes keys, then values, from the source; null in self-attention.</summary>
    public Linear? SourceKeyValue { get; }

    /// <summary>Combines the results of the heads.</summary>
    public Linear Output { get; }

    /// <summary>Computes attention.</summary>
    internal AttentionProduct Product { get; }

    /// <summary>Attends from each position of a sequence.</summary>
    /// <param name="x">The sequence, [batch, time, hidden].</param>
    /// <param name="context">The source, the mask, the bias and the cache, or null.</param>
    /// <returns>[batch, time, hidden].</returns>
    public Tensor Forward(Tensor x, AttentionContext? context = null)
    {
        TimedOperation timed = TimedOperation.Begin("attention", ref x);
        if (context?.Packed is { } packed)
            return timed.End(Output.forward(packed.Mix(QueryKeyValue.forward(x), MixOne)));
        (Tensor q, Tensor k, Tensor v) =
            SourceKeyValue is null ? FromItself(x, context?.Cache) : FromSource(x, context);
        if (context?.ReportWeights is { } report)
            report(Product.MeanWeights(q, k, context.Padding, context.Bias));
        Tensor mixed = Product.Attend(q, k, v, training ? Shape.Dropout : 0, context?.Padding, context?.Bias);
        return timed.End(Output.forward(Joined(mixed)));
    }

    /// <summary>Attends within each sequence, by the fused kernel where it can be used; without dropout.</summary>
    /// <param name="x">The sequences, [batch, time, hidden].</param>
    /// <returns>[batch, time, hidden].</returns>
    internal Tensor ForwardFused(Tensor x)
    {
        Tensor stream = x.to(ScalarType.Float32).contiguous();
        return Shape.Dropout == 0 && _kernel.Serves(stream, KernelContext.None)
            ? KernelLayers.Run(stream, [_kernel], KernelContext.None)
            : Forward(x);
    }

    /// <summary>Attends within texts, given their queries, keys and values, [batch, time, width].</summary>
    private Tensor MixOne(Tensor all)
    {
        (Tensor q, Tensor k, Tensor v) = Split(all, cache: null);
        return Joined(Product.Attend(q, k, v, training ? Shape.Dropout : 0));
    }

    /// <summary>[heads, batch, time, headSize] → [batch, time, heads · headSize].</summary>
    private Tensor Joined(Tensor mixed) =>
        mixed.permute(1, 2, 0, 3).reshape(mixed.shape[1], mixed.shape[2], Shape.QuerySize);

    private (Tensor Q, Tensor K, Tensor V) FromItself(Tensor x, KeyValueCache? cache) =>
        Split(QueryKeyValue.forward(x), cache);

    private (Tensor Q, Tensor K, Tensor V) Split(Tensor product, KeyValueCache? cache)
    {
        (int heads, int keyValueHeads) = (Shape.HeadCount, Shape.KeyValueHeadCount);
        Tensor all = Heads(product, heads + (2 * keyValueHeads));
        if (Rotary is not null)
        {
            Tensor[] split = all.split([heads + keyValueHeads, keyValueHeads], 0); // queries and keys; values
            all = cat([Rotary.Rotate(split[0], cache?.Length ?? 0), split[1]], 0);
        }
        Tensor[] parts = all.split([heads, keyValueHeads, keyValueHeads], 0);
        (Tensor k, Tensor v) = cache?.Append(parts[1], parts[2]) ?? (parts[1], parts[2]);
        return (parts[0], k, v);
    }

    private (Tensor Q, Tensor K, Tensor V) FromSource(Tensor x, AttentionContext? context)
    {
        Tensor q = Heads(QueryKeyValue.forward(x), Shape.HeadCount);
        if (context?.Cache is { Length: > 0 } cached)
            return (q, cached.Keys, cached.Values);
        Tensor source = context?.Source ?? throw new ArgumentNullException(nameof(context), "a source is needed");
        Tensor[] parts = Heads(SourceKeyValue!.forward(source), 2 * Shape.KeyValueHeadCount).chunk(2, 0);
        (Tensor k, Tensor v) = context.Cache?.Append(parts[0], parts[1]) ?? (parts[0], parts[1]);
        return (q, k, v);
    }

    /// <summary>
    /// [batch, time, count · headSize] → [count, batch, time, headSize]: a single copy, after which queries, keys and
    /// values are contiguous.
    /// </summary>
    private Tensor Heads(Tensor x, int count) =>
        x.view(x.shape[0], x.shape[1], count, Shape.HeadSize).permute(2, 0, 1, 3).contiguous();
}
