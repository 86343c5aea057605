using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using static TorchSharp.torch;

namespace Atelier.Layers.Fused;

/// <summary>A layer by itself, without a norm and without the residual stream: from fp32 to fp32.</summary>
internal sealed unsafe class BareKernel(ILayerKernel layer) : IKernelLayer
{
    /// <inheritdoc/>
    public bool Serves(Tensor x, KernelContext context) => layer.Serves(x, context);

    /// <inheritdoc/>
    public Tensor Forward(Tensor x, KernelContext context, Stack<Tensor>? kept)
    {
        using TimedOperation timed = TimedOperation.Begin(layer.Name);
        using var scope = NewDisposeScope();
        Tensor input = Rounded(x), y = layer.Forward(input, context, kept);
        kept?.Push(input.DetachFromDisposeScope());
        return y.view(x.shape).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public Tensor Backward(Tensor gradient, KernelContext context, Stack<Tensor> kept)
    {
        using TimedOperation timed = TimedOperation.Begin(layer.Name);
        using var scope = NewDisposeScope();
        using Tensor input = kept.Pop();
        Tensor dInput = layer.Backward(Rounded(gradient).view(-1, input.shape[^1]), input, context, kept);
        return dInput.view(input.shape).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    private static Tensor Rounded(Tensor x)
    {
        Tensor rounded = empty_like(x, ScalarType.BFloat16, requires_grad: false);
        Bf16.Round(x.Pointer<float>(), rounded.Pointer<ushort>(), x.numel());
        return rounded;
    }
}
