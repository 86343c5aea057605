using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>
/// The keys and values of the tokens that an attention layer has seen, kept while decoding. Room doubles as it fills.
/// </summary>
public sealed class KeyValueCache : ILayerCache
{
    private const int FirstRoom = 64;
    private Tensor? _keys; // [keyValueHeads, batch, room, headSize]
    private Tensor? _values;

    /// <summary>Tokens kept of each sequence.</summary>
    public int Length { get; private set; }

    /// <summary>All keys, a view of [keyValueHeads, batch, length, headSize], valid until the next are added.</summary>
    /// <exception cref="InvalidOperationException">There are none.</exception>
    public Tensor Keys => Filled(_keys);

    /// <summary>All values, as <see cref="Keys"/>.</summary>
    /// <exception cref="InvalidOperationException">There are none.</exception>
    public Tensor Values => Filled(_values);

    /// <summary>Adds new keys and values and gives all of them.</summary>
    /// <param name="keys">[keyValueHeads, batch, new, headSize].</param>
    /// <param name="values">The same shape.</param>
    /// <returns>Views of [keyValueHeads, batch, all, headSize], good until the next call.</returns>
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

    private Tensor Filled(Tensor? kept) =>
        kept?.narrow(2, 0, Length) ?? throw new InvalidOperationException("the cache is empty");

    private void Grow(ref Tensor? kept, Tensor like, int needed)
    {
        if (kept is not null && kept.shape[2] >= needed)
            return;
        long room = Math.Max(FirstRoom, kept?.shape[2] ?? 0);
        while (room < needed)
            room *= 2;
        Tensor grown = empty([like.shape[0], like.shape[1], room, like.shape[3]], like.dtype, like.device);
        if (kept is not null)
            grown.narrow(2, 0, Length).copy_(kept.narrow(2, 0, Length));
        Replace(ref kept, grown);
    }

    private static void Replace(ref Tensor? kept, Tensor by)
    {
        kept?.Dispose();
        kept = by.DetachFromDisposeScope();
    }
}
