using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>A norm with its weights in native memory.</summary>
/// <param name="weights">The weights; null for no norm.</param>
/// <param name="scratch">The memory.</param>
internal readonly unsafe struct PassNorm(NormWeights? weights, PassScratch scratch)
{
    public readonly float* Weight = scratch.Copy(weights?.Weight);
    public readonly float* Bias = scratch.Copy(weights?.Bias);

    /// <summary>Whether there is a norm.</summary>
    public bool Exists => Weight is not null;
}

/// <summary>A linear layer with its bias in native memory.</summary>
/// <param name="weights">The weights.</param>
/// <param name="scratch">The memory.</param>
/// <param name="panelRows">Copies unquantised weights into panels of so many rows, which products with several vectors
/// read faster; 0 uses them in place.</param>
internal readonly unsafe struct PassProduct(LinearWeights weights, PassScratch scratch, int panelRows = 0)
{
    public readonly WeightMatrix Weight = weights.Weight;
    public readonly PackedMatrix? Packed = panelRows == 0 || weights.Weight.Type.IsBlocked() ? null
        : new PackedMatrix(weights.Weight, panelRows);
    public readonly float* Bias = scratch.Copy(weights.Bias);

    /// <summary>The adapter of the layer, which may be exchanged between steps.</summary>
    public readonly AdapterSlot Slot = new();

    /// <summary>Whether the weights are multiplied with vectors in 8 bits.</summary>
    public bool IsBlocked => Weight.Type.IsBlocked();

    /// <summary>Returns the rows of one worker: an equal share, in multiples of 16 or of a panel.</summary>
    public (int Start, int End) Share(int worker, int workers)
    {
        int unit = Packed?.Rows.PanelRows ?? 16, units = (Weight.Rows + unit - 1) / unit;
        return (Math.Min(Weight.Rows, units * worker / workers * unit),
            Math.Min(Weight.Rows, units * (worker + 1) / workers * unit));
    }
}

/// <summary>The parts of one block, prepared for the pass.</summary>
internal sealed class PassBlock(BlockWeights weights, PassScratch scratch, int panelRows = 0)
{
    public readonly PassNorm AttentionNorm = new(weights.AttentionNorm, scratch);
    public readonly PassProduct Query = new(weights.Query, scratch, panelRows);
    public readonly PassProduct Key = new(weights.Key, scratch, panelRows);
    public readonly PassProduct Value = new(weights.Value, scratch, panelRows);
    public readonly PassProduct Output = new(weights.Output, scratch, panelRows);
    public readonly PassNorm AttentionPostNorm = new(weights.AttentionPostNorm, scratch);
    public readonly PassNorm QueryNorm = new(weights.QueryNorm, scratch);
    public readonly PassNorm KeyNorm = new(weights.KeyNorm, scratch);
    public readonly PassNorm FeedForwardNorm = new(weights.FeedForwardNorm, scratch);
    public readonly PassNorm FeedForwardPostNorm = new(weights.FeedForwardPostNorm, scratch);
    public readonly PassFeedForward? FeedForward =
        weights.FeedForward is null ? null : new(weights.FeedForward, scratch, panelRows);
    public readonly PassExperts? Experts = weights.Experts is null ? null : new(weights.Experts, scratch);
    public readonly PassCross? Cross = weights.Cross is null ? null : new(weights.Cross, scratch, panelRows);
}

/// <summary>The parts of a feed-forward layer, prepared for the pass.</summary>
internal sealed class PassFeedForward(FeedForwardWeights weights, PassScratch scratch, int panelRows = 0)
{
    public readonly PassProduct? Gate = weights.Gate is null ? null : new(weights.Gate, scratch, panelRows);
    public readonly PassProduct Up = new(weights.Up, scratch, panelRows);
    public readonly PassProduct Down = new(weights.Down, scratch, panelRows);

    /// <summary>Whether vectors must be quantised for the first products.</summary>
    public bool IsBlocked => Up.IsBlocked || Gate is { IsBlocked: true };
}

/// <summary>The parts of a mixture of experts, prepared for the pass.</summary>
internal sealed class PassExperts(ExpertWeights weights, PassScratch scratch)
{
    public readonly PassProduct Router = new(weights.Router, scratch);
    public readonly PassFeedForward[] Experts = [.. weights.Experts.Select(e => new PassFeedForward(e, scratch))];
    public readonly PassFeedForward? Shared = weights.Shared is null ? null : new(weights.Shared, scratch);
    public readonly PassProduct? SharedGate = weights.SharedGate is null ? null : new(weights.SharedGate, scratch);
}

/// <summary>The parts of cross-attention, prepared for the pass.</summary>
internal sealed class PassCross(CrossAttentionWeights weights, PassScratch scratch, int panelRows)
{
    public readonly PassNorm Norm = new(weights.Norm, scratch);
    public readonly PassProduct Query = new(weights.Query, scratch, panelRows);
    public readonly PassProduct Key = new(weights.Key, scratch, panelRows);
    public readonly PassProduct Value = new(weights.Value, scratch, panelRows);
    public readonly PassProduct Output = new(weights.Output, scratch, panelRows);
}

/// <summary>Holds the adapter of a linear layer; null for none.</summary>
internal sealed class AdapterSlot
{
    public ProductAdapter? Adapter { get; set; }
}
