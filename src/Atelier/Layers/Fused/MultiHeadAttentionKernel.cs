using Atelier.Kernels;
using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Layers.Fused;

/// <summary>
/// Multi-head self-attention or cross-attention, forward and backward. The backward pass needs queries, keys, values,
/// the results of the heads, the logarithm of each softmax's sum, and the seed of dropout.
/// </summary>
/// <param name="layer">The attention layer.</param>
internal sealed unsafe class MultiHeadAttentionKernel(MultiHeadAttention layer) : ILayerKernel
{
    // with longer sequences, a head's matrices do not fit into the cache, and the library's products are faster
    private const int LongestTime = 1024;

    /// <inheritdoc/>
    public string Name => "attention";

    /// <inheritdoc/>
    public bool Serves(Tensor x, KernelContext context) =>
        KernelLayers.ServeStream(x, layer.Output.Precision) && layer.Product.Scale is null
        && x.shape[1] <= LongestTime
        && (layer.SourceKeyValue is null
            || (context.SourceShape is [_, <= LongestTime, var width] && width % Bf16.Lanes == 0))
        && Linears.All(linear => linear.Adapters.Count == 0)
        && layer.Shape.HeadSize % (layer.Rotary is null ? Bf16.Lanes : 2 * Bf16.Lanes) == 0;

    /// <inheritdoc/>
    public Tensor Forward(Tensor input, KernelContext context, Stack<Tensor>? kept)
    {
        AttentionLayout layout = Layout(input, context);
        Tensor mixed = empty([(long)layout.Batch * layout.Time, layout.MixedRow], ScalarType.BFloat16);
        Tensor logSums = empty(layout.Batch, layout.Heads, layout.PaddedTime);
        Tensor queries = LinearKernel.Forward(input.view(-1, input.shape[^1]), layer.QueryKeyValue);
        // keys, then values: [batch · span, 2 · keyValueHeads · size], or among the columns of the queries
        Tensor? source = layer.SourceKeyValue is { } linear ? LinearKernel.Forward(context.SourceRows!, linear) : null;
        long seed = layer.Shape.Dropout > 0 ? DropoutMask.DrawSeed() : 0;
        using (TimedOperation.Begin("attention product"))
            Kernel(layout, seed).Forward(queries.Pointer<ushort>(), Keys(queries, source), mixed.Pointer<ushort>(),
                logSums.Pointer<float>());
        Tensor y = LinearKernel.Forward(mixed, layer.Output);
        if (layer.Shape.Dropout > 0)
            kept?.Push(tensor(seed).DetachFromDisposeScope());
        foreach (Tensor? tensor in (ReadOnlySpan<Tensor?>)[source, queries, mixed, logSums])
        {
            if (tensor is not null)
                kept?.Push(tensor.DetachFromDisposeScope());
        }
        return y;
    }

    /// <inheritdoc/>
    public Tensor Backward(Tensor gradient, Tensor input, KernelContext context, Stack<Tensor> kept)
    {
        using Tensor logSums = kept.Pop(), mixed = kept.Pop(), queries = kept.Pop();
        using Tensor? source = layer.SourceKeyValue is null ? null : kept.Pop(),
            seed = layer.Shape.Dropout > 0 ? kept.Pop() : null;
        AttentionLayout layout = Layout(input, context);
        Tensor dQueries = empty_like(queries), dMixed;
        Tensor? dSource = source is null ? null : empty_like(source);
        using (TimedOperation.Begin("linear"))
            dMixed = LinearKernel.Backward(gradient, mixed, layer.Output);
        using (TimedOperation.Begin("attention product"))
        {
            Kernel(layout, seed?.item<long>() ?? 0).Backward(queries.Pointer<ushort>(), Keys(queries, source),
                mixed.Pointer<ushort>(), logSums.Pointer<float>(), dMixed.Pointer<ushort>(),
                dQueries.Pointer<ushort>(), Keys(dQueries, dSource));
        }
        using TimedOperation timed = TimedOperation.Begin("linear");
        if (layer.SourceKeyValue is { } linear)
        {
            LinearKernel.AddWeightGradients(dSource!, context.SourceRows!, linear.Weight, linear.Bias);
            LinearKernel.AddInputGradient(dSource!, linear.Weight, context.SourceGradient!);
        }
        return LinearKernel.Backward(dQueries, input.view(queries.shape[0], -1), layer.QueryKeyValue);
    }

    private IEnumerable<Linear> Linears => layer.SourceKeyValue is { } source
        ? [layer.QueryKeyValue, source, layer.Output] : [layer.QueryKeyValue, layer.Output];

    private AttentionLayout Layout(Tensor input, KernelContext context)
    {
        bool isCross = layer.SourceKeyValue is not null;
        return new((int)input.shape[0], (int)input.shape[1],
            (int)(isCross ? context.SourceShape[1] : input.shape[1]), layer.Shape.HeadCount,
            layer.Shape.KeyValueHeadCount, layer.Shape.HeadSize, isCross, layer.Product.IsCausal,
            isCross ? context.SourceCounts : layer.Product.IsCausal ? null : context.KeyCounts);
    }

    /// <summary>The first key: of the source, or after the queries of the first row.</summary>
    private ushort* Keys(Tensor queries, Tensor? source) =>
        source is null ? queries.Pointer<ushort>() + layer.Shape.QuerySize : source.Pointer<ushort>();

    private IAttentionKernel Kernel(in AttentionLayout layout, long seed)
    {
        RotaryTables turn = layer.Rotary?.Tables ?? default;
        var dropout = new DropoutMask(layer.Shape.Dropout, seed);
        return LayerDispatch.UsesTiles() ? new AttentionTiles(layout, turn, dropout)
            : new AttentionKernel(layout, turn, dropout);
    }
}
