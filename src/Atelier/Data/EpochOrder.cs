namespace Atelier.Data;

/// <summary>
/// The items of each batch. If shuffled, each epoch takes every item at most once, in an order that depends on the seed
/// and the epoch; items that do not fill a batch are left to other epochs. Otherwise items keep their order, and the
/// last batch of an epoch may be smaller.
/// </summary>
internal sealed class EpochOrder
{
    private readonly int _count;
    private readonly ulong _seed;
    private readonly bool _shuffled;
    private int[] _order = [];
    private long _orderOf = -1; // the epoch of _order

    /// <summary>Creates an order.</summary>
    /// <param name="count">The number of items; at least 1.</param>
    /// <param name="batchSize">Items in a batch; with fewer items, batches are smaller.</param>
    /// <param name="seed">The seed of the order.</param>
    /// <param name="shuffled">Whether each epoch has its own order.</param>
    public EpochOrder(int count, int batchSize, ulong seed, bool shuffled)
    {
        (_count, BatchSize, _seed, _shuffled) = (count, Math.Min(batchSize, count), seed, shuffled);
        BatchesPerEpoch = shuffled ? count / BatchSize : (count + BatchSize - 1) / BatchSize;
    }

    /// <summary>The number of items in a batch.</summary>
    public int BatchSize { get; }

    /// <summary>The number of batches in an epoch.</summary>
    public long BatchesPerEpoch { get; }

    /// <summary>Returns the positions of a batch's items. Called from one thread at a time.</summary>
    /// <param name="number">The number of the batch, from 0; numbers continue across epochs.</param>
    public IReadOnlyList<int> Places(long number)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        (long epoch, long at) = Math.DivRem(number, BatchesPerEpoch);
        int first = (int)at * BatchSize, count = Math.Min(BatchSize, _count - first);
        return _shuffled ? new ArraySegment<int>(Order(epoch), first, count) : [.. Enumerable.Range(first, count)];
    }

    /// <summary>Returns the order of an epoch (Fisher and Yates).</summary>
    private int[] Order(long epoch)
    {
        if (_orderOf == epoch)
            return _order;
        _order = [.. Enumerable.Range(0, _count)];
        var random = new SplitMix64(SplitMix64.At(_seed, (ulong)epoch));
        for (int i = _order.Length - 1; i > 0; i--)
        {
            int j = (int)random.Next(i + 1);
            (_order[i], _order[j]) = (_order[j], _order[i]);
        }
        _orderOf = epoch;
        return _order;
    }
}
