using Atelier.Kernels;
using Atelier.Tensors.Profiling;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Layers;

/// <summary>(x − mean) / √(variance + ε) · w + b over the last dimension, in fp32 (Ba et al. 2016).</summary>
public sealed class LayerNorm : Norm
{
    private readonly long[] _shape;
    private readonly double _epsilon;

    /// <summary>Begins with w = 1 and b = 0.</summary>
    /// <param name="size">The width.</param>
    /// <param name="bias">Whether there is a b.</param>
    /// <param name="epsilon">ε.</param>
    public LayerNorm(long size, bool bias, double epsilon)
        : base(nameof(LayerNorm))
    {
        _shape = [size];
        _epsilon = epsilon;
        Weight = new Parameter(ones(size));
        Bias = bias ? new Parameter(zeros(size)) : null;
        register_parameter("weight", Weight);
        if (Bias is not null)
            register_parameter("bias", Bias);
    }

    /// <summary>w, [size].</summary>
    [field: ComponentName(Name = "weight")]
    public override Parameter Weight { get; }

    /// <summary>b, [size], or null.</summary>
    [field: ComponentName(Name = "bias")]
    public override Parameter? Bias { get; }

    internal override NormKernel Kernel => new((int)_shape[0], (float)_epsilon, centered: true);

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        TimedOperation timed = TimedOperation.Begin("norm", ref input);
        return timed.End(F.layer_norm(input, _shape, Weight, Bias, _epsilon));
    }
}
