using Atelier.Kernels;
using TorchSharp.Modules;

namespace Atelier.Layers.Fused;

/// <summary>A norm that a kernel can compute.</summary>
internal interface IKernelNorm
{
    /// <summary>w, [width].</summary>
    Parameter Weight { get; }

    /// <summary>b, [width], or null.</summary>
    Parameter? Bias { get; }

    /// <summary>Its rule.</summary>
    NormKernel Kernel { get; }
}
