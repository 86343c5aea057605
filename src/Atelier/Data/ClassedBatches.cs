namespace Atelier.Data;

/// <summary>
/// Batches of examples with classes. If shuffled, each epoch takes every example at most once, in an order that depends
/// on the seed and the epoch, so that a batch is a function of the seed and its number; examples that do not fill a
/// batch are left to other epochs. Otherwise examples keep their order, and the last batch of an epoch may be smaller.
/// </summary>
/// <typeparam name="TBatch">The type of a batch.</typeparam>
public abstract class ClassedBatches<TBatch> : IBatchSource<TBatch>
{
    private readonly EpochOrder _order;
    private readonly ulong _seed;

    private protected ClassedBatches(int count, int batchSize, long seed, bool shuffled, string examples)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        if (count == 0)
            throw new AtelierException($"there are no {examples} to train on", "data.split",
                $"provide more {examples}, or change the split");
        _seed = (ulong)seed;
        _order = new EpochOrder(count, batchSize, _seed, shuffled);
    }

    /// <inheritdoc/>
    public long BatchesPerEpoch => _order.BatchesPerEpoch;

    /// <inheritdoc/>
    public long ItemsPerBatch => _order.BatchSize;

    /// <inheritdoc/>
    public abstract TBatch Get(long number);

    /// <summary>The positions of a batch's examples in their part.</summary>
    /// <param name="number">The number of the batch.</param>
    internal IReadOnlyList<int> Places(long number) => _order.Places(number);

    /// <summary>The random numbers that augment an example of a batch.</summary>
    private protected SplitMix64 Random(long number, int example) =>
        new(SplitMix64.At(~_seed, (ulong)((number * _order.BatchSize) + example)));
}
