namespace Atelier.Formats;

/// <summary>A name that a pickle asks for; one of the few that tensors need.</summary>
/// <param name="Name">Module and name: "torch.FloatStorage".</param>
internal sealed record PickleGlobal(string Name);

/// <summary>A dictionary of a pickle, in the order it was filled.</summary>
internal sealed class PickleDictionary
{
    /// <summary>The entries; a key may appear twice.</summary>
    public List<(object? Key, object? Value)> Entries { get; } = [];
}

/// <summary>A storage that a pickle refers to.</summary>
/// <param name="Type">Of its elements.</param>
/// <param name="Key">Its name in the file.</param>
/// <param name="Count">Its elements.</param>
internal sealed record PickleStorage(SafetensorsType Type, string Key, long Count)
{
    /// <summary>Its bytes.</summary>
    public long Bytes => new SafetensorsEntry(Key, Type, [Count]).ByteCount;
}

/// <summary>A tensor as a view of a storage.</summary>
/// <param name="Storage">Where its elements are.</param>
/// <param name="Offset">The element that is its first.</param>
/// <param name="Shape">Its dimensions.</param>
/// <param name="Strides">Elements between neighbours along each dimension.</param>
internal sealed record PickleTensor(PickleStorage Storage, long Offset, IReadOnlyList<long> Shape,
    IReadOnlyList<long> Strides);
