using Atelier.Kernels;
using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Layers.Fused;

/// <summary>
/// A layer of the residual stream as in <see cref="ResidualLayer"/>, forward and backward. The backward pass needs x,
/// the seed of dropout and, with the norm last, the sum before it; it computes the norm before the layer again, which
/// costs less than storing its result.
/// </summary>
/// <param name="norm">The norm.</param>
/// <param name="layer">The layer.</param>
/// <param name="dropout">The share of the layer's output dropped.</param>
/// <param name="normFirst">Whether the norm comes first.</param>
internal sealed unsafe class ResidualKernel(Norm norm, ILayerKernel layer, double dropout, bool normFirst)
    : IKernelLayer
{
    private readonly KernelNorm _norm = new(norm);

    /// <inheritdoc/>
    public bool Serves(Tensor x, KernelContext context) => layer.Serves(x, context);

    /// <inheritdoc/>
    public Tensor Forward(Tensor x, KernelContext context, Stack<Tensor>? kept)
    {
        using TimedOperation timed = TimedOperation.Begin(layer.Name);
        using var scope = NewDisposeScope();
        Tensor y = layer.Forward(Input(x), context, kept), sum = empty_like(x, requires_grad: false);
        kept?.Push(x.DetachFromDisposeScope());
        if (dropout == 0)
        {
            Bf16.Add(x.Pointer<float>(), y.Pointer<ushort>(), sum.Pointer<float>(), x.numel());
        }
        else
        {
            long seed = DropoutMask.DrawSeed();
            new DropoutMask(dropout, seed).AddTo(x.Pointer<float>(), y.Pointer<ushort>(), sum.Pointer<float>(),
                x.numel());
            kept?.Push(tensor(seed).DetachFromDisposeScope());
        }
        if (normFirst)
            return sum.MoveToOuterDisposeScope();
        kept?.Push(sum.DetachFromDisposeScope());
        Tensor normed = _norm.Of(sum, ScalarType.Float32);
        if (kept is null)
            sum.Dispose();
        return normed.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public Tensor Backward(Tensor gradient, KernelContext context, Stack<Tensor> kept)
    {
        using TimedOperation timed = TimedOperation.Begin(layer.Name);
        using var scope = NewDisposeScope();
        using Tensor? sum = normFirst ? null : kept.Pop(), seed = dropout == 0 ? null : kept.Pop();
        using Tensor x = kept.Pop();
        Tensor dSum = sum is null ? gradient : _norm.Back(sum, gradient, null);
        Tensor dy = empty_like(x, ScalarType.BFloat16, requires_grad: false);
        if (seed is null)
            Bf16.Round(dSum.Pointer<float>(), dy.Pointer<ushort>(), x.numel());
        else
            new DropoutMask(dropout, seed.item<long>()).Round(dSum.Pointer<float>(), dy.Pointer<ushort>(), x.numel());
        Tensor dInput = layer.Backward(dy.view(-1, x.shape[^1]), Input(x), context, kept);
        if (normFirst)
            return _norm.Back(x, dInput, gradient).MoveToOuterDisposeScope();
        Tensor dx = empty_like(x, requires_grad: false);
        Bf16.Add(dSum.Pointer<float>(), dInput.Pointer<ushort>(), dx.Pointer<float>(), x.numel());
        return dx.MoveToOuterDisposeScope();
    }

    /// <summary>The input of the layer, in the shape of x.</summary>
    private Tensor Input(Tensor x)
    {
        if (normFirst)
            return _norm.Of(x, ScalarType.BFloat16);
        Tensor rounded = empty_like(x, ScalarType.BFloat16, requires_grad: false);
        Bf16.Round(x.Pointer<float>(), rounded.Pointer<ushort>(), x.numel());
        return rounded;
    }
}
