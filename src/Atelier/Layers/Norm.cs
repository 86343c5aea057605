using Atelier.Kernels;
using Atelier.Networks;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>A norm over the last dimension, in fp32.</summary>
/// <param name="name">The module's name.</param>
public abstract class Norm(string name) : nn.Module<Tensor, Tensor>(name)
{
    /// <summary>w, [width].</summary>
    public abstract Parameter Weight { get; }

    /// <summary>b, [width], or null.</summary>
    public abstract Parameter? Bias { get; }

    /// <summary>The rule of the fused form.</summary>
    internal abstract NormKernel Kernel { get; }

    /// <summary>Makes a norm by its name.</summary>
    /// <param name="name">Which.</param>
    /// <param name="size">The width.</param>
    /// <param name="bias">Whether a LayerNorm has a b.</param>
    /// <param name="epsilon">Added to the variance.</param>
    public static Norm Create(NormName name, long size, bool bias, double epsilon) =>
        name == NormName.Rms ? new RmsNorm(size, epsilon) : new LayerNorm(size, bias, epsilon);
}
