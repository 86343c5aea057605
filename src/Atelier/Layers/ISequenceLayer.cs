using Atelier.Layers.Fused;
using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>A layer from sequences of vectors to sequences of the same shape.</summary>
public interface ISequenceLayer
{
    /// <summary>Computes the layer.</summary>
    /// <param name="x">[batch, time, hidden].</param>
    /// <param name="context">The other inputs of attention, or null.</param>
    /// <returns>[batch, time, hidden].</returns>
    Tensor Forward(Tensor x, AttentionContext? context = null);

    /// <summary>The kernels that compute the layer in training; null if none can for these inputs.</summary>
    internal IReadOnlyList<IKernelLayer>? KernelsFor(Tensor x, KernelContext context) => null;
}
