using System.Buffers.Binary;
using System.Text.Json;

namespace Atelier.Formats;

/// <summary>
/// A memory-mapped safetensors file. The header is checked against the length of the file before it is used: every
/// tensor must lie inside the file, and the tensors must cover the data without gaps or overlaps.
/// </summary>
public sealed class SafetensorsFile : IDisposable
{
    private const long LongestHeader = 100_000_000; // the limit of the reference implementation
    private readonly Dictionary<string, (SafetensorsEntry Entry, long Offset)> _tensors;
    private readonly MappedFile _file;
    private readonly long _dataStart;

    private SafetensorsFile(MappedFile file)
    {
        _file = file;
        if (file.Length < 8)
            throw Damaged(Path, $"it has {file.Length} bytes, too few for a safetensors file");
        ulong headerLength = BinaryPrimitives.ReadUInt64LittleEndian(file.Bytes(0, 8));
        if (headerLength > (ulong)Math.Min(LongestHeader, file.Length - 8))
            throw Damaged(Path, $"its header declares {headerLength} bytes, but the file has {file.Length}");
        byte[] header = file.Bytes(8, (int)headerLength).ToArray();
        _dataStart = 8 + header.Length;
        (Metadata, _tensors) = ReadHeader(Path, header, file.Length - _dataStart);
        Entries = [.. _tensors.Values.OrderBy(t => t.Offset).Select(t => t.Entry)];
    }

    /// <summary>The path of the file.</summary>
    public string Path => _file.Path;

    /// <summary>The tensors in the order of their data in the file.</summary>
    public IReadOnlyList<SafetensorsEntry> Entries { get; }

    /// <summary>The metadata: free text by name.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Opens and checks a file.</summary>
    /// <exception cref="AtelierException">The file is missing, truncated or not a safetensors file.</exception>
    public static SafetensorsFile Open(string path)
    {
        MappedFile file = MappedFile.Open(path);
        try
        {
            return new SafetensorsFile(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Returns whether the file has a tensor with a given name.</summary>
    public bool Contains(string name) => _tensors.ContainsKey(name);

    /// <summary>Returns the description of a tensor.</summary>
    /// <exception cref="AtelierException">The file has no such tensor.</exception>
    public SafetensorsEntry Entry(string name) => Find(name).Entry;

    /// <summary>Copies bytes of a tensor.</summary>
    /// <param name="name">The name of the tensor.</param>
    /// <param name="offset">The offset in the tensor, in bytes.</param>
    /// <param name="destination">Filled completely with bytes.</param>
    /// <exception cref="AtelierException">There is no such tensor.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The range is not inside the tensor.</exception>
    public void CopyTo(string name, long offset, Span<byte> destination)
    {
        (SafetensorsEntry entry, long start) = Find(name);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset + destination.Length, entry.ByteCount);
        _file.Bytes(_dataStart + start + offset, destination.Length).CopyTo(destination);
    }

    /// <summary>Returns a pointer to the data of a tensor, which is valid until the file is disposed.</summary>
    /// <exception cref="AtelierException">There is no such tensor.</exception>
    public unsafe byte* Pointer(string name)
    {
        (SafetensorsEntry entry, long start) = Find(name);
        return _file.Pointer(_dataStart + start, entry.ByteCount);
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private (SafetensorsEntry Entry, long Offset) Find(string name) =>
        _tensors.TryGetValue(name, out var tensor)
            ? tensor
            : throw new AtelierException($"there is no tensor '{name}'", Path,
                "the file belongs to another kind of model");

    private static (IReadOnlyDictionary<string, string>, Dictionary<string, (SafetensorsEntry, long)>) ReadHeader(
        string path, byte[] header, long dataLength)
    {
        var metadata = new Dictionary<string, string>();
        var tensors = new Dictionary<string, (SafetensorsEntry Entry, long Offset)>();
        try
        {
            using JsonDocument document = JsonDocument.Parse(header, new JsonDocumentOptions { MaxDepth = 8 });
            foreach (JsonProperty property in document.RootElement.EnumerateObject())
            {
                if (property.NameEquals("__metadata__"))
                {
                    foreach (JsonProperty text in property.Value.EnumerateObject())
                        metadata[text.Name] = text.Value.GetString() ?? "";
                    continue;
                }
                (SafetensorsEntry entry, long start) = ReadEntry(path, property, dataLength);
                if (!tensors.TryAdd(entry.Name, (entry, start)))
                    throw Damaged(path, $"tensor '{entry.Name}' appears twice");
            }
        }
        catch (Exception e)
            when (e is JsonException or InvalidOperationException or FormatException or KeyNotFoundException
            or OverflowException)
        {
            throw Damaged(path, "its header is not valid", e);
        }

        long expected = 0;
        foreach ((SafetensorsEntry entry, long offset) in tensors.Values.OrderBy(t => t.Offset)
            .ThenBy(t => t.Entry.ByteCount))
        {
            if (offset != expected)
                throw Damaged(path, $"tensor '{entry.Name}' starts at {offset}, but {expected} is expected");
            expected += entry.ByteCount;
        }
        if (expected != dataLength)
            throw Damaged(path, $"its tensors have {expected} bytes, the file holds {dataLength}");
        return (metadata, tensors);
    }

    private static (SafetensorsEntry Entry, long Start) ReadEntry(string path, JsonProperty property, long dataLength)
    {
        string typeName = property.Value.GetProperty("dtype").GetString() ?? "";
        if (!Enum.TryParse(typeName, ignoreCase: true, out SafetensorsType type) || !Enum.IsDefined(type)
            || char.IsDigit(typeName[0]))
            throw Damaged(path, $"tensor '{property.Name}' has the unknown type '{typeName}'");
        long[] shape = [.. property.Value.GetProperty("shape").EnumerateArray().Select(d => d.GetInt64())];
        if (shape.Any(d => d < 0))
            throw Damaged(path, $"tensor '{property.Name}' has a negative dimension");
        long[] offsets = [.. property.Value.GetProperty("data_offsets").EnumerateArray().Select(o => o.GetInt64())];
        if (offsets.Length != 2 || offsets[0] < 0 || offsets[1] < offsets[0] || offsets[1] > dataLength)
            throw Damaged(path, $"tensor '{property.Name}' lies outside the file");
        var entry = new SafetensorsEntry(property.Name, type, shape);
        if (entry.ByteCount != offsets[1] - offsets[0])
            throw Damaged(path,
                $"tensor '{property.Name}' has {offsets[1] - offsets[0]} bytes, its shape needs {entry.ByteCount}");
        return (entry, offsets[0]);
    }

    private static AtelierException Damaged(string path, string what, Exception? inner = null) =>
        new(what, path, "the file is damaged or of another kind: download it again", inner);
}
