namespace Atelier.Formats;

/// <summary>A global name in a pickle, one of the few that tensors need.</summary>
/// <param name="Name">The module and the name, such as "torch.FloatStorage".</param>
internal sealed record PickleGlobal(string Name);

/// <summary>A dictionary in a pickle, in order of insertion.</summary>
internal sealed class PickleDictionary
{
    /// <summary>The entries, which may have duplicate keys.</summary>
    public List<(object? Key, object? Value)> Entries { get; } = [];
}

/// <summary>A storage that a pickle refers to.</summary>
/// <param name="Type">The type of the elements.</param>
/// <param name="Key">The name of the storage in the file.</param>
/// <param name="Count">Number of elements.</param>
internal sealed record PickleStorage(SafetensorsType Type, string Key, long Count)
{
    /// <summary>The size in bytes.</summary>
    public long Bytes => new SafetensorsEntry(Key, Type, [Count]).ByteCount;
}

/// <summary>A tensor as a view of a storage.</summary>
/// <param name="Storage">The storage of the elements.</param>
/// <param name="Offset">The index of the first element in the storage.</param>
/// <param name="Shape">The dimensions.</param>
/// <param name="Strides">Number of elements from one index to the next, for each dimension.</param>
internal sealed record PickleTensor(PickleStorage Storage, long Offset, IReadOnlyList<long> Shape,
    IReadOnlyList<long> Strides);
