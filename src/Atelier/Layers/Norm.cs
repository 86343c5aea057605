using Atelier.Kernels;
using Atelier.Networks;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>A normalisation over the last dimension, in fp32.</summary>
public abstract class Norm : nn.Module<Tensor, Tensor>
{
    private protected Norm(string name, long size, bool bias)
        : base(name)
    {
        Weight = new Parameter(ones(size));
        Bias = bias ? new Parameter(zeros(size)) : null;
#pragma warning disable MA0056 // no norm overrides it
        register_parameter("weight", Weight);
        if (Bias is not null)
            register_parameter("bias", Bias);
#pragma warning restore MA0056
    }

    /// <summary>w, [width]; 1 at first.</summary>
    [field: ComponentName(Name = "weight")]
    public Parameter Weight { get; }

    /// <summary>b, [width], or null; 0 at first.</summary>
    [field: ComponentName(Name = "bias")]
    public Parameter? Bias { get; }

    /// <summary>The kernel of fused layers.</summary>
    internal abstract NormKernel Kernel { get; }

    /// <summary>Creates a norm by its name.</summary>
    /// <param name="name">The name.</param>
    /// <param name="size">The width.</param>
    /// <param name="bias">Whether a LayerNorm adds b.</param>
    /// <param name="epsilon">Added to the variance.</param>
    public static Norm Create(NormName name, long size, bool bias, double epsilon) =>
        name == NormName.Rms ? new RmsNorm(size, epsilon) : new LayerNorm(size, bias, epsilon);
}
