using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Kernels;

/// <summary>Between the residual stream in fp32 and layers in bf16.</summary>
internal static unsafe class Residual
{
    /// <summary>x + y.</summary>
    /// <param name="x">fp32, a multiple of sixteen numbers.</param>
    /// <param name="y">bf16, as many.</param>
    public static Tensor Add(Tensor x, Tensor y)
    {
        Tensor sum = empty_like(x, requires_grad: false);
        Bf16.Add(x.Pointer<float>(), y.Pointer<ushort>(), sum.Pointer<float>(), x.numel());
        return sum;
    }

    /// <summary>x in bf16.</summary>
    public static Tensor Round(Tensor x)
    {
        Tensor rounded = empty_like(x, ScalarType.BFloat16, requires_grad: false);
        Bf16.Round(x.Pointer<float>(), rounded.Pointer<ushort>(), x.numel());
        return rounded;
    }
}
