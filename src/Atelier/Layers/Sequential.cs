using Atelier.Layers.Fused;
using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>
/// Layers one after another, and an optional norm after the last. In training, all layers run as one operator if every
/// layer has a kernel; otherwise each layer runs by itself.
/// </summary>
/// <param name="layers">The layers in order. They are registered by the module that creates them.</param>
/// <param name="norm">The norm after the last layer, or null.</param>
public sealed class Sequential(IReadOnlyList<ISequenceLayer> layers, Norm? norm = null) : ISequenceLayer
{
    private readonly KernelNorm? _kernelNorm = norm is null ? null : new KernelNorm(norm);

    /// <inheritdoc/>
    public Tensor Forward(Tensor x, AttentionContext? context = null) =>
        Forward(x, context is null ? null : [.. layers.Select(_ => context)], checkpoint: null);

    /// <summary>Computes the layers.</summary>
    /// <param name="x">[batch, time, hidden].</param>
    /// <param name="contexts">The other inputs of attention, one for each layer; or null.</param>
    /// <param name="checkpoint">Computes a layer and stores only its input for the backward pass; null stores all
    /// activations.</param>
    /// <returns>[batch, time, hidden].</returns>
    public Tensor Forward(Tensor x, IReadOnlyList<AttentionContext>? contexts,
        Func<Func<Tensor, Tensor>, Tensor, Tensor>? checkpoint)
    {
        if (contexts is null && checkpoint is null && KernelsFor(x, KernelContext.None) is { } kernels)
            return KernelLayers.Run(x, kernels, KernelContext.None);
        foreach ((int i, ISequenceLayer layer) in layers.Index())
        {
            using var scope = NewDisposeScope(); // what no gradient needs is gone before the next layer begins
            Tensor Compute(Tensor input) => layer.Forward(input, contexts?[i]);
            x = (checkpoint is null ? Compute(x) : checkpoint(Compute, x)).MoveToOuterDisposeScope();
        }
        return norm is null ? x : norm.forward(x);
    }

    IReadOnlyList<IKernelLayer>? ISequenceLayer.KernelsFor(Tensor x, KernelContext context) => KernelsFor(x, context);

    private List<IKernelLayer>? KernelsFor(Tensor x, KernelContext context)
    {
        var kernels = new List<IKernelLayer>();
        foreach (ISequenceLayer layer in layers)
        {
            if (layer.KernelsFor(x, context) is not { } own)
                return null;
            kernels.AddRange(own);
        }
        if (_kernelNorm is not null)
            kernels.Add(_kernelNorm);
        return kernels;
    }
}
