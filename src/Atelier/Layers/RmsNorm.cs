using Atelier.Kernels;
using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>x / √(mean(x²) + ε) · w over the last dimension, in fp32 (Zhang and Sennrich 2019, eq. 4).</summary>
public sealed class RmsNorm : Norm
{
    private readonly double _epsilon;

    /// <summary>Begins with w = 1.</summary>
    /// <param name="size">The width.</param>
    /// <param name="epsilon">ε.</param>
    public RmsNorm(long size, double epsilon)
        : base(nameof(RmsNorm))
    {
        _epsilon = epsilon;
        Weight = new Parameter(ones(size));
        register_parameter("weight", Weight);
    }

    /// <summary>w, [size].</summary>
    [field: ComponentName(Name = "weight")]
    public override Parameter Weight { get; }

    /// <inheritdoc/>
    public override Parameter? Bias => null;

    internal override NormKernel Kernel => new((int)Weight.shape[0], (float)_epsilon, centered: false);

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        TimedOperation timed = TimedOperation.Begin("norm", ref input);
        return timed.End(AtenOperators.RmsNorm(input, Weight, _epsilon));
    }
}
