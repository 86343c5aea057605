using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Layers.Fused;

/// <summary>A normalisation of fp32 rows, for other kernels or as the last of a stack of layers.</summary>
/// <param name="norm">The norm.</param>
internal sealed unsafe class KernelNorm(Norm norm) : IKernelLayer
{
    /// <inheritdoc/>
    /// <remarks>The layer before it has checked everything else.</remarks>
    public bool Serves(Tensor x, KernelContext context) => x.shape[^1] % Bf16.Lanes == 0;

    /// <summary>Normalises x.</summary>
    /// <param name="x">[..., width], fp32.</param>
    /// <param name="type">The type of the result: fp32 or bf16.</param>
    public Tensor Of(Tensor x, ScalarType type)
    {
        using TimedOperation timed = TimedOperation.Begin("norm");
        Tensor y = empty_like(x, type, requires_grad: false);
        float* from = x.Pointer<float>(), weight = norm.Weight.Pointer<float>(),
            bias = norm.Bias.PointerOrNull<float>();
        if (type == ScalarType.Float32)
            norm.Kernel.Forward(from, weight, bias, y.Pointer<float>(), Rows(x));
        else
            norm.Kernel.Forward(from, weight, bias, y.Pointer<ushort>(), Rows(x));
        return y;
    }

    /// <summary>The gradient of x plus that of a residual connection; adds the gradients of the weights.</summary>
    /// <param name="x">The input.</param>
    /// <param name="dy">The gradient of the result, fp32 or bf16.</param>
    /// <param name="residual">The gradient of the residual connection, in the shape of x; or null.</param>
    public Tensor Back(Tensor x, Tensor dy, Tensor? residual)
    {
        using TimedOperation timed = TimedOperation.Begin("norm");
        Tensor dx = empty_like(x, requires_grad: false), weight = zeros_like(norm.Weight, requires_grad: false);
        Tensor? bias = norm.Bias is null ? null : zeros_like(norm.Bias, requires_grad: false);
        float* from = x.Pointer<float>(), scale = norm.Weight.Pointer<float>(), past = residual.PointerOrNull<float>(),
            to = dx.Pointer<float>(), ofWeight = weight.Pointer<float>(), ofBias = bias.PointerOrNull<float>();
        if (dy.dtype == ScalarType.Float32)
            norm.Kernel.Backward(from, scale, dy.Pointer<float>(), past, to, ofWeight, ofBias, Rows(x));
        else
            norm.Kernel.Backward(from, scale, dy.Pointer<ushort>(), past, to, ofWeight, ofBias, Rows(x));
        LinearKernel.Add(norm.Weight, weight);
        if (bias is not null)
            LinearKernel.Add(norm.Bias!, bias);
        return dx;
    }

    /// <inheritdoc/>
    public Tensor Forward(Tensor x, KernelContext context, Stack<Tensor>? kept)
    {
        kept?.Push(x.DetachFromDisposeScope());
        return Of(x, ScalarType.BFloat16);
    }

    /// <inheritdoc/>
    public Tensor Backward(Tensor gradient, KernelContext context, Stack<Tensor> kept)
    {
        using var scope = NewDisposeScope();
        using Tensor x = kept.Pop();
        return Back(x, gradient, residual: null).MoveToOuterDisposeScope();
    }

    private static int Rows(Tensor x) => (int)(x.numel() / x.shape[^1]);
}
