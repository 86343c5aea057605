using Atelier.Layers.Fused;
using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>
/// The blocks of an encoder or of a decoder one after another, and an optional norm after the last. In training, all of
/// them run as one operator if every block has kernels for its inputs; otherwise each block runs by itself.
/// </summary>
/// <param name="blocks">The blocks in order. They are registered by the module that creates them.</param>
/// <param name="norm">The norm after the last block, or null.</param>
public sealed class BlockStack(IEnumerable<TransformerBlock> blocks, Norm? norm = null)
{
    private readonly KernelNorm? _kernelNorm = norm is null ? null : new KernelNorm(norm);

    /// <summary>Computes the blocks.</summary>
    /// <param name="x">[batch, time, hidden].</param>
    /// <param name="self">The context of a block's self-attention, by the number of the block; or null.</param>
    /// <param name="source">The context of a block's cross-attention, by the number of the block; or null.</param>
    /// <param name="checkpoint">Computes a block and stores only its input for the backward pass; null stores all
    /// activations.</param>
    /// <returns>[batch, time, hidden], fp32 or bf16.</returns>
    public Tensor Forward(Tensor x, Func<int, AttentionContext>? self = null,
        Func<int, AttentionContext>? source = null, Func<Func<Tensor, Tensor>, Tensor, Tensor>? checkpoint = null)
    {
        if (checkpoint is null && KernelContext.Of(self?.Invoke(0), source?.Invoke(0)) is { } context
            && KernelsFor(x, context) is { } kernels)
            return KernelLayers.Run(x, kernels, context);
        foreach ((int i, TransformerBlock block) in blocks.Index())
        {
            using var scope = NewDisposeScope(); // what no gradient needs is gone before the next block begins
            Tensor Compute(Tensor input) => block.Forward(input, self?.Invoke(i), source?.Invoke(i));
            x = (checkpoint is null ? Compute(x) : checkpoint(Compute, x)).MoveToOuterDisposeScope();
        }
        return norm?.forward(x) ?? x;
    }

    private List<IKernelLayer>? KernelsFor(Tensor x, KernelContext context)
    {
        var kernels = new List<IKernelLayer>();
        foreach (TransformerBlock block in blocks)
        {
            if (block.KernelsFor(x, context) is not { } own)
                return null;
            kernels.AddRange(own);
        }
        if (_kernelNorm is not null)
            kernels.Add(_kernelNorm);
        return kernels;
    }
}
