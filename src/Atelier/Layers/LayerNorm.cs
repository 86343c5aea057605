using Atelier.Kernels;
using Atelier.Tensors.Profiling;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Layers;

/// <summary>(x − mean) / √(variance + ε) · w + b over the last dimension, in fp32 (Ba et al. 2016).</summary>
/// <param name="size">The width.</param>
/// <param name="bias">Whether to add b.</param>
/// <param name="epsilon">ε.</param>
public sealed class LayerNorm(long size, bool bias, double epsilon) : Norm(nameof(LayerNorm), size, bias)
{
    private readonly long[] _shape = [size];

    internal override NormKernel Kernel => new((int)_shape[0], (float)epsilon, centered: true);

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        TimedOperation timed = TimedOperation.Begin("norm", ref input);
        return timed.End(F.layer_norm(input, _shape, Weight, Bias, epsilon));
    }
}
