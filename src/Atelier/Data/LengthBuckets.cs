namespace Atelier.Data;

/// <summary>
/// Gathers items of similar length into batches with a bounded number of tokens. Each item is in one batch of each
/// epoch.
/// </summary>
/// <remarks>
/// The items are sorted by their keys, and a batch takes as many neighbours as its number of tokens allows. Shuffled,
/// items with equal keys are in a new random order in each epoch, and so are the batches; a batch depends only on the
/// seed and its number. Unshuffled, all epochs are equal.
/// </remarks>
internal sealed class LengthBuckets
{
    private readonly ulong[] _keys;
    private readonly ulong _seed;
    private readonly bool _shuffled;
    private readonly List<int> _starts = []; // of the batches in the sorted order, and its end
    private readonly int[] _items, _batches; // the order of items, and of batches, in the current epoch
    private long _epoch = -1;

    /// <summary>Assigns items to batches.</summary>
    /// <param name="keys">For each item, its length times 2³², and a number below 2³² that brings similar items
    /// together; at least one item.</param>
    /// <param name="tokensPerBatch">The largest number of items of a batch times the length of its longest item. A
    /// longer item is a batch by itself.</param>
    /// <param name="seed">The seed of the random order.</param>
    /// <param name="shuffled">Whether the order is random.</param>
    public LengthBuckets(ulong[] keys, int tokensPerBatch, long seed, bool shuffled)
    {
        (_keys, _seed, _shuffled, _items) = (keys, (ulong)seed, shuffled, new int[keys.Length]);
        Sort(epoch: 0);
        for (int i = 0; i < _items.Length; i++)
        {
            if (i == 0 || (i + 1 - _starts[^1]) * (long)(_keys[_items[i]] >> 32) > tokensPerBatch)
                _starts.Add(i);
        }
        _batches = [.. Enumerable.Range(0, _starts.Count)];
        _starts.Add(_items.Length);
    }

    /// <summary>The number of batches in an epoch.</summary>
    public int Count => _batches.Length;

    /// <summary>Returns the indices of the items in a batch.</summary>
    /// <param name="number">The number of the batch, from 0. Numbers continue across epochs.</param>
    public ReadOnlySpan<int> Items(long number)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        Begin(_shuffled ? number / Count : 0);
        int batch = _batches[number % Count];
        return _items.AsSpan(_starts[batch].._starts[batch + 1]);
    }

    private void Begin(long epoch)
    {
        if (_epoch == epoch)
            return;
        Sort(epoch);
        if (_shuffled)
        {
            var draws = new ulong[_batches.Length];
            for (int i = 0; i < draws.Length; i++)
                (draws[i], _batches[i]) = (Draw(epoch, _items.Length + (long)i), i);
            Array.Sort(draws, _batches);
        }
        _epoch = epoch;
    }

    /// <summary>Sorts the items by their keys, and those with equal keys at random or by index.</summary>
    private void Sort(long epoch)
    {
        var keys = new UInt128[_items.Length];
        for (int i = 0; i < keys.Length; i++)
            (keys[i], _items[i]) = (new UInt128(_keys[i], _shuffled ? Draw(epoch, i) : (ulong)i), i);
        Array.Sort(keys, _items);
    }

    private ulong Draw(long epoch, long index) =>
        SplitMix64.At(SplitMix64.At(_seed, (ulong)epoch), (ulong)index);
}
