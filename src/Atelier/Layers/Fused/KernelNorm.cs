using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Layers.Fused;

/// <summary>A normalisation from fp32 to bf16, for other kernels or as the last of a stack of layers.</summary>
/// <param name="norm">The norm.</param>
internal sealed unsafe class KernelNorm(Norm norm) : IKernelLayer
{
    /// <inheritdoc/>
    /// <remarks>The layer before it has checked everything else.</remarks>
    public bool Serves(Tensor x) => x.shape[^1] % Bf16.Lanes == 0;

    /// <summary>Normalises x, [rows, width], to bf16.</summary>
    public Tensor Of(Tensor x)
    {
        using TimedOperation timed = TimedOperation.Begin("norm");
        Tensor y = empty_like(x, ScalarType.BFloat16, requires_grad: false);
        norm.Kernel.Forward(x.Pointer<float>(), norm.Weight.Pointer<float>(), norm.Bias.PointerOrNull<float>(),
            y.Pointer<ushort>(), Rows(x));
        return y;
    }

    /// <summary>The gradient of x plus that of a residual connection; adds the gradients of the weights.</summary>
    /// <param name="x">The input.</param>
    /// <param name="dy">The gradient of the result, bf16.</param>
    /// <param name="residual">The gradient of the residual connection, in the shape of x.</param>
    public Tensor Back(Tensor x, Tensor dy, Tensor residual)
    {
        using TimedOperation timed = TimedOperation.Begin("norm");
        Tensor dx = empty_like(x, requires_grad: false), weight = zeros_like(norm.Weight, requires_grad: false);
        Tensor? bias = norm.Bias is null ? null : zeros_like(norm.Bias, requires_grad: false);
        norm.Kernel.Backward(x.Pointer<float>(), norm.Weight.Pointer<float>(), dy.Pointer<ushort>(),
            residual.Pointer<float>(), dx.Pointer<float>(), weight.Pointer<float>(), bias.PointerOrNull<float>(),
            Rows(x));
        LinearKernel.Add(norm.Weight, weight);
        if (bias is not null)
            LinearKernel.Add(norm.Bias!, bias);
        return dx;
    }

    /// <inheritdoc/>
    public Tensor Forward(Tensor x, Stack<Tensor>? kept)
    {
        kept?.Push(x.DetachFromDisposeScope());
        return Of(x);
    }

    /// <inheritdoc/>
    public Tensor Backward(Tensor gradient, Stack<Tensor> kept)
    {
        using var scope = NewDisposeScope();
        using Tensor x = kept.Pop();
        return Back(x, gradient, zeros_like(x, requires_grad: false)).MoveToOuterDisposeScope();
    }

    private static int Rows(Tensor x) => (int)(x.numel() / x.shape[^1]);
}
