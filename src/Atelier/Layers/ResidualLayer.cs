using Atelier.Layers.Fused;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>
/// x + dropout(layer(norm(x))): a layer of the residual stream, with its norm first (Xiong et al. 2020, figure 1b). In
/// training, a <see cref="Sequential"/> computes attention and feed-forward layers by fused kernels where they can be
/// used. The norm and the layer are registered by the module that creates them.
/// </summary>
/// <param name="norm">The norm.</param>
/// <param name="layer">The layer.</param>
/// <param name="dropout">The share of the layer's output dropped in training.</param>
public sealed class ResidualLayer(Norm norm, ISequenceLayer layer, double dropout) : ISequenceLayer
{
    private readonly IKernelLayer? _kernel = layer switch
    {
        MultiHeadAttention attention => new SelfAttentionKernel(norm, attention),
        FeedForward feedForward => new FeedForwardKernel(norm, feedForward),
        _ => null,
    };

    /// <inheritdoc/>
    public Tensor Forward(Tensor x, AttentionContext? context = null) =>
        x.Plus(Dropout.Apply(layer.Forward(norm.forward(x), context), norm.training ? dropout : 0));

    IReadOnlyList<IKernelLayer>? ISequenceLayer.KernelsFor(Tensor x) =>
        norm.training && dropout == 0 && _kernel is not null && _kernel.Serves(x) ? [_kernel] : null;
}
