using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>
/// The keys and values of the tokens that an attention layer has processed, for decoding. A full cache doubles.
/// </summary>
public sealed class KeyValueCache : ILayerCache
{
    private const int FirstCapacity = 64;
    private Tensor? _keys; // [keyValueHeads, batch, capacity, headSize]
    private Tensor? _values;

    /// <summary>The number of tokens of each sequence.</summary>
    public int Length { get; private set; }

    /// <summary>All keys, a view of [keyValueHeads, batch, length, headSize], valid until keys are appended.</summary>
    /// <exception cref="InvalidOperationException">The cache is empty.</exception>
    public Tensor Keys => Filled(_keys);

    /// <summary>All values, as <see cref="Keys"/>.</summary>
    /// <exception cref="InvalidOperationException">The cache is empty.</exception>
    public Tensor Values => Filled(_values);

    /// <summary>Appends keys and values.</summary>
    /// <param name="keys">[keyValueHeads, batch, new, headSize].</param>
    /// <param name="values">[keyValueHeads, batch, new, headSize].</param>
    /// <returns>All <see cref="Keys"/> and <see cref="Values"/>.</returns>
    public (Tensor Keys, Tensor Values) Append(Tensor keys, Tensor values)
    {
        int added = checked((int)keys.shape[2]);
        Grow(ref _keys, keys, Length + added);
        Grow(ref _values, values, Length + added);
        _keys!.narrow(2, Length, added).copy_(keys);
        _values!.narrow(2, Length, added).copy_(values);
        Length += added;
        return (Keys, Values);
    }

    /// <inheritdoc/>
    public void Select(Tensor parents)
    {
        if (_keys is null || _values is null)
            return;
        Replace(ref _keys, _keys.index_select(1, parents));
        Replace(ref _values, _values.index_select(1, parents));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _keys?.Dispose();
        _values?.Dispose();
    }

    private Tensor Filled(Tensor? stored) =>
        stored?.narrow(2, 0, Length) ?? throw new InvalidOperationException("the cache is empty");

    private void Grow(ref Tensor? stored, Tensor like, int needed)
    {
        if (stored is not null && stored.shape[2] >= needed)
            return;
        long capacity = Math.Max(FirstCapacity, stored?.shape[2] ?? 0);
        while (capacity < needed)
            capacity *= 2;
        Tensor grown = empty([like.shape[0], like.shape[1], capacity, like.shape[3]], like.dtype, like.device);
        if (stored is not null)
            grown.narrow(2, 0, Length).copy_(stored.narrow(2, 0, Length));
        Replace(ref stored, grown);
    }

    private static void Replace(ref Tensor? stored, Tensor replacement)
    {
        stored?.Dispose();
        stored = replacement.DetachFromDisposeScope();
    }
}
