using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>A norm with its weights in native memory.</summary>
internal readonly unsafe struct PassNorm(NormWeights weights, PassScratch scratch)
{
    public readonly float* Weight = scratch.Copy(weights.Weight);
    public readonly float* Bias = scratch.Copy(weights.Bias);
}

/// <summary>A linear layer with its bias in native memory.</summary>
internal readonly unsafe struct PassProduct(LinearWeights weights, PassScratch scratch)
{
    public readonly WeightMatrix Weight = weights.Weight;
    public readonly float* Bias = scratch.Copy(weights.Bias);

    /// <summary>The adapter of the layer, which may be exchanged between steps.</summary>
    public readonly AdapterSlot Slot = new();

    /// <summary>Returns the rows of one worker: an equal share, in multiples of 16.</summary>
    public (int Start, int End) Share(int worker, int workers)
    {
        int sixteens = (Weight.Rows + 15) / 16;
        return (Math.Min(Weight.Rows, sixteens * worker / workers * 16),
            Math.Min(Weight.Rows, sixteens * (worker + 1) / workers * 16));
    }
}

/// <summary>The parts of one block, prepared for the pass.</summary>
internal sealed class PassBlock(BlockWeights weights, PassScratch scratch)
{
    public readonly PassNorm AttentionNorm = new(weights.AttentionNorm, scratch);
    public readonly PassProduct Query = new(weights.Query, scratch);
    public readonly PassProduct Key = new(weights.Key, scratch);
    public readonly PassProduct Value = new(weights.Value, scratch);
    public readonly PassProduct Output = new(weights.Output, scratch);
    public readonly PassNorm FeedForwardNorm = new(weights.FeedForwardNorm, scratch);
    public readonly PassProduct? Gate = weights.Gate is null ? null : new(weights.Gate, scratch);
    public readonly PassProduct Up = new(weights.Up, scratch);
    public readonly PassProduct Down = new(weights.Down, scratch);
}

/// <summary>Holds the adapter of a linear layer; null for none.</summary>
internal sealed class AdapterSlot
{
    public ProductAdapter? Adapter { get; set; }
}
