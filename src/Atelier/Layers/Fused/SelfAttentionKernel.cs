using Atelier.Kernels;
using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Layers.Fused;

/// <summary>
/// x + Wₒ attention(W norm(x)) with causal self-attention, forward and backward. The backward pass needs x, queries,
/// keys, values, the results of the heads, and the logarithm of each softmax's sum.
/// </summary>
/// <param name="norm">The norm before the layer.</param>
/// <param name="layer">The attention layer.</param>
internal sealed unsafe class SelfAttentionKernel(Norm norm, MultiHeadAttention layer) : IKernelLayer
{
    private const string Name = "attention";
    // with longer sequences, a head's matrices do not fit into the cache, and the library's products are faster
    private const int LongestTime = 1024;
    private readonly KernelNorm _norm = new(norm);

    /// <inheritdoc/>
    public bool Serves(Tensor x) =>
        KernelLayers.ServeStream(x, layer.Output.Precision) && layer.Product is { IsCausal: true, Scale: null }
        && layer.Shape.Dropout == 0 && x.shape[1] <= LongestTime
        && layer.QueryKeyValue.Adapters.Count + layer.Output.Adapters.Count == 0
        && layer.Shape.HeadSize % (layer.Rotary is null ? Bf16.Lanes : 2 * Bf16.Lanes) == 0;

    /// <inheritdoc/>
    public Tensor Forward(Tensor x, Stack<Tensor>? kept)
    {
        using TimedOperation timed = TimedOperation.Begin(Name);
        using var scope = NewDisposeScope();
        AttentionLayout layout = Layout(x);
        int rows = layout.Batch * layout.Time;
        Tensor qkv, mixed = empty([rows, layout.MixedRow], ScalarType.BFloat16), y;
        Tensor logSums = empty(layout.Batch, layout.Heads, layout.Padded);
        Tensor normed = _norm.Of(x).view(rows, -1);
        using (TimedOperation.Begin("linear"))
            qkv = LinearKernel.Forward(normed, layer.QueryKeyValue); // [rows, (heads + 2 · keyValueHeads) · size]
        using (TimedOperation.Begin("attention product"))
            Kernel(layout).Forward(qkv.Pointer<ushort>(), mixed.Pointer<ushort>(), logSums.Pointer<float>());
        using (TimedOperation.Begin("linear"))
            y = LinearKernel.Forward(mixed, layer.Output);
        y = Residual.Add(x, y);
        foreach (Tensor tensor in (ReadOnlySpan<Tensor>)[x, qkv, mixed, logSums])
            kept?.Push(tensor.DetachFromDisposeScope());
        return y.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public Tensor Backward(Tensor gradient, Stack<Tensor> kept)
    {
        using TimedOperation timed = TimedOperation.Begin(Name);
        using var scope = NewDisposeScope();
        using Tensor logSums = kept.Pop(), mixed = kept.Pop(), qkv = kept.Pop(), x = kept.Pop();
        AttentionLayout layout = Layout(x);
        Tensor dy = Residual.Round(gradient).view(qkv.shape[0], -1), dQkv = empty_like(qkv), dMixed, dNormed;
        using (TimedOperation.Begin("linear"))
            dMixed = LinearKernel.Backward(dy, mixed, layer.Output);
        using (TimedOperation.Begin("attention product"))
        {
            Kernel(layout).Backward(qkv.Pointer<ushort>(), mixed.Pointer<ushort>(), logSums.Pointer<float>(),
                dMixed.Pointer<ushort>(), dQkv.Pointer<ushort>());
        }
        Tensor normed = _norm.Of(x).view(qkv.shape[0], -1);
        using (TimedOperation.Begin("linear"))
            dNormed = LinearKernel.Backward(dQkv, normed, layer.QueryKeyValue);
        return _norm.Back(x, dNormed, gradient).MoveToOuterDisposeScope();
    }

    private AttentionLayout Layout(Tensor x) =>
        new((int)x.shape[0], (int)x.shape[1], layer.Shape.HeadCount, layer.Shape.KeyValueHeadCount,
            layer.Shape.HeadSize);

    private IAttentionKernel Kernel(in AttentionLayout layout)
    {
        RotaryTables turn = layer.Rotary?.Tables ?? default;
        return LayerDispatch.UsesTiles() ? new AttentionTiles(layout, turn) : new AttentionKernel(layout, turn);
    }
}
