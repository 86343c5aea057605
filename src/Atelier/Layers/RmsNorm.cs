using Atelier.Kernels;
using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>x / √(mean(x²) + ε) · w over the last dimension, in fp32 (Zhang and Sennrich 2019, eq. 4).</summary>
/// <param name="size">The width.</param>
/// <param name="epsilon">ε.</param>
public sealed class RmsNorm(long size, double epsilon) : Norm(nameof(RmsNorm), size, bias: false)
{
    internal override NormKernel Kernel => new((int)Weight.shape[0], (float)epsilon, centered: false);

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        TimedOperation timed = TimedOperation.Begin("norm", ref input);
        return timed.End(AtenOperators.RmsNorm(input, Weight, epsilon));
    }
}
