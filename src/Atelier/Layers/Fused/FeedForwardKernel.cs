using Atelier.Kernels;
using Atelier.Networks;
using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Layers.Fused;

/// <summary>
/// W₂ f(W₁ x), forward and backward. The backward pass needs W₁ x; it computes the activation again, which costs less
/// than storing it.
/// </summary>
/// <param name="layer">The feed-forward layer.</param>
internal sealed unsafe class FeedForwardKernel(FeedForward layer) : ILayerKernel
{
    private int Size => (int)layer.Output.Weight.shape[1];

    /// <inheritdoc/>
    public string Name => "feed-forward";

    /// <inheritdoc/>
    public bool Serves(Tensor x, KernelContext context) =>
        KernelLayers.ServeStream(x, layer.Output.Precision) && Size % Bf16.Lanes == 0 && layer.DropoutRate == 0
        && layer.Input.Adapters.Count + layer.Output.Adapters.Count == 0 && layer.Activation != ActivationName.GeGlu;

    /// <inheritdoc/>
    public Tensor Forward(Tensor input, KernelContext context, Stack<Tensor>? kept)
    {
        Tensor u = LinearKernel.Forward(input.view(-1, input.shape[^1]), layer.Input); // [rows, inner]
        int rows = (int)u.shape[0];
        Tensor a = empty([rows, Size], ScalarType.BFloat16);
        using (TimedOperation.Begin("activation"))
            ActivationKernel.Forward(layer.Activation, u.Pointer<ushort>(), a.Pointer<ushort>(), rows, Size);
        kept?.Push(u.DetachFromDisposeScope());
        Tensor y = LinearKernel.Forward(a, layer.Output);
        if (kept is null)
            u.Dispose();
        return y;
    }

    /// <inheritdoc/>
    public Tensor Backward(Tensor gradient, Tensor input, KernelContext context, Stack<Tensor> kept)
    {
        using Tensor u = kept.Pop();
        int rows = (int)u.shape[0];
        Tensor da;
        using (TimedOperation.Begin("linear"))
            da = LinearKernel.InputGradient(gradient, layer.Output.Weight); // [rows, size]
        using (TimedOperation.Begin("activation"))
            ActivationKernel.Backward(layer.Activation, u.Pointer<ushort>(), da.Pointer<ushort>(), rows, Size);
        (Tensor a, Tensor du) = (da, u); // the kernel has exchanged them
        using TimedOperation timed = TimedOperation.Begin("linear");
        LinearKernel.AddWeightGradients(gradient, a, layer.Output.Weight, layer.Output.Bias);
        return LinearKernel.Backward(du, input.view(rows, -1), layer.Input);
    }
}
