using Atelier.Layers.Fused;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>
/// A layer of the residual stream: x + dropout(layer(norm(x))) with its norm first, or norm(x + dropout(layer(x))) with
/// its norm last (Xiong et al. 2020, figures 1b and 1a). In training, a <see cref="Sequential"/> computes attention and
/// feed-forward layers by fused kernels where they can be used. The norm and the layer are registered by the module
/// that creates them.
/// </summary>
/// <param name="norm">The norm.</param>
/// <param name="layer">The layer.</param>
/// <param name="dropout">The share of the layer's output dropped in training.</param>
/// <param name="normFirst">Whether the norm comes first.</param>
public sealed class ResidualLayer(Norm norm, ISequenceLayer layer, double dropout, bool normFirst = true)
    : ISequenceLayer
{
    private readonly ResidualKernel? _kernel = layer switch
    {
        MultiHeadAttention attention => new(norm, new MultiHeadAttentionKernel(attention), dropout, normFirst),
        FeedForward feedForward => new(norm, new FeedForwardKernel(feedForward), dropout, normFirst),
        _ => null,
    };

    /// <inheritdoc/>
    public Tensor Forward(Tensor x, AttentionContext? context = null)
    {
        Tensor y = Dropout.Apply(layer.Forward(normFirst ? norm.forward(x) : x, context), norm.training ? dropout : 0);
        return normFirst ? x.Plus(y) : norm.forward(x.Plus(y));
    }

    IReadOnlyList<IKernelLayer>? ISequenceLayer.KernelsFor(Tensor x, KernelContext context) =>
        norm.training && _kernel is not null && _kernel.Serves(x, context) ? [_kernel] : null;
}
