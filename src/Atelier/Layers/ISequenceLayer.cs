using Atelier.Layers.Fused;
using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>A layer from sequences of vectors to as many, [batch, time, hidden] → the same.</summary>
public interface ISequenceLayer
{
    /// <summary>Computes the layer.</summary>
    /// <param name="x">[batch, time, hidden].</param>
    /// <param name="context">What attention in it takes besides x, or null.</param>
    /// <returns>[batch, time, hidden].</returns>
    Tensor Forward(Tensor x, AttentionContext? context = null);

    /// <summary>The kernels that compute the same as the layer in training; null where none can take x.</summary>
    internal IReadOnlyList<IKernelLayer>? KernelsFor(Tensor x) => null;
}
