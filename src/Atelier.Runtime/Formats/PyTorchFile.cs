using System.Buffers.Binary;
using System.IO.Compression;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Atelier.Formats;

/// <summary>
/// A file of weights written by torch.save: the zip format (PyTorch 1.6 and later), or the older format of several
/// pickles followed by the storages. Reading runs no code of the file; see <see cref="PickleReader"/>.
/// </summary>
public sealed class PyTorchFile
{
    private const int LongestPickle = 64 << 20;
    private const int MostDepth = 8; // nesting of dictionaries
    private const int MostTensors = 100_000;
    private static readonly BigInteger Magic =
        BigInteger.Parse("119547037146038801333356", System.Globalization.CultureInfo.InvariantCulture);

    private readonly Dictionary<string, PickleTensor> _tensors = [];
    private readonly Dictionary<string, byte[]> _storages = [];

    private int _visited;

    private PyTorchFile(string path) => Path = path;

    /// <summary>The path of the file.</summary>
    public string Path { get; }

    /// <summary>The tensors in the order of the file. Those of a nested dictionary are named "outer.inner".</summary>
    public IReadOnlyList<SafetensorsEntry> Entries { get; private set; } = [];

    /// <summary>Reads and checks a file.</summary>
    /// <exception cref="AtelierException">The file is missing, damaged, or contains more than tensors.</exception>
    public static PyTorchFile Open(string path)
    {
        using var mapped = MappedFile.Open(path);
        var file = new PyTorchFile(path);
        try
        {
            bool isZip = mapped.Length >= 4 && mapped.Bytes(0, 4).SequenceEqual("PK\x03\x04"u8);
            object? root = isZip ? file.ReadZip() : file.ReadOld(mapped);
            file.Collect(root, "", 0);
        }
        catch (Exception e)
            when (e is InvalidDataException or IOException or NotSupportedException or ArgumentException
            or OverflowException)
        {
            throw Damaged(path, "it is not what the format asks for", e);
        }
        if (file._tensors.Count == 0)
            throw Damaged(path, "it holds no tensors");
        file.Entries = [.. file._tensors.Select(t => new SafetensorsEntry(t.Key, t.Value.Storage.Type, t.Value.Shape))];
        return file;
    }

    /// <summary>Reads the elements of a tensor in single precision, in row-major order.</summary>
    /// <exception cref="AtelierException">The file has no such tensor.</exception>
    public float[] Read(string name)
    {
        if (!_tensors.TryGetValue(name, out PickleTensor? tensor))
            throw new AtelierException($"there is no tensor '{name}'", Path,
                "the file belongs to another kind of model");
        byte[] storage = _storages[tensor.Storage.Key];
        var values = new float[tensor.Shape.Aggregate(1L, (product, size) => product * size)];
        var index = new long[tensor.Shape.Count];
        long at = tensor.Offset;
        for (long i = 0; i < values.Length; i++)
        {
            values[i] = Element(storage, tensor.Storage.Type, at);
            for (int d = index.Length - 1; d >= 0; d--) // advance to the next index, last dimension first
            {
                at += tensor.Strides[d];
                if (++index[d] < tensor.Shape[d])
                    break;
                at -= tensor.Strides[d] * tensor.Shape[d];
                index[d] = 0;
            }
        }
        return values;
    }

    internal static AtelierException Damaged(string path, string what, Exception? inner = null) =>
        new(what, path, "the file is damaged or is not a PyTorch weights file: download it again", inner);

    private static float Element(byte[] storage, SafetensorsType type, long at)
    {
        T Number<T>() where T : struct => MemoryMarshal.Cast<byte, T>(storage)[(int)at];
        return type switch
        {
            SafetensorsType.F32 => Number<float>(),
            SafetensorsType.F64 => (float)Number<double>(),
            SafetensorsType.F16 => (float)Number<Half>(),
            SafetensorsType.BF16 => BitConverter.Int32BitsToSingle(Number<ushort>() << 16),
            SafetensorsType.I64 => Number<long>(),
            SafetensorsType.I32 => Number<int>(),
            SafetensorsType.I16 => Number<short>(),
            SafetensorsType.I8 => Number<sbyte>(),
            _ => Number<byte>(),
        };
    }

    /// <summary>Reads a zip archive with one folder that contains data.pkl and data/KEY, all uncompressed.</summary>
    private object? ReadZip()
    {
        using FileStream stream = File.OpenRead(Path);
        using var zip = new ZipArchive(stream, ZipArchiveMode.Read);
        ZipArchiveEntry? pickle =
            zip.Entries.FirstOrDefault(e => e.FullName.EndsWith("/data.pkl", StringComparison.Ordinal));
        if (pickle is null)
            throw Damaged(Path, "it is a zip without data.pkl");
        string folder = pickle.FullName[..^"data.pkl".Length];
        if (zip.GetEntry(folder + "byteorder") is { } order && !Unpack(order, 6).AsSpan().SequenceEqual("little"u8))
            throw Damaged(Path, "its numbers are not little-endian");
        if (pickle.Length > LongestPickle)
            throw Damaged(Path, $"its pickle has {pickle.Length} bytes");
        var reader = new PickleReader(Unpack(pickle, pickle.Length), Path);
        object? root = reader.Read();
        foreach (PickleStorage storage in reader.Storages)
        {
            ZipArchiveEntry data = zip.GetEntry($"{folder}data/{storage.Key}")
                ?? throw Damaged(Path, $"the storage {storage.Key} is missing");
            _storages[storage.Key] = Unpack(data, storage.Bytes);
        }
        return root;
    }

    /// <summary>
    /// Returns the bytes of an entry. A compressed entry is refused: PyTorch compresses none, and a few compressed
    /// bytes could expand to gigabytes.
    /// </summary>
    private byte[] Unpack(ZipArchiveEntry entry, long expected)
    {
        if (entry.Length != expected || entry.CompressedLength != entry.Length
            || entry.Length > new FileInfo(Path).Length || entry.Length > Array.MaxLength)
            throw Damaged(Path,
                $"its entry {entry.FullName} has {entry.CompressedLength} bytes of {entry.Length}, where "
                    + $"{expected} were expected");
        byte[] bytes = new byte[entry.Length];
        using Stream stream = entry.Open();
        stream.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>
    /// Reads the older format: pickles of a magic number, a version, system information, the object and the keys of the
    /// storages, then each storage as an int64 count and its elements.
    /// </summary>
    private object? ReadOld(MappedFile mapped)
    {
        long at = 0;
        IReadOnlyCollection<PickleStorage> referenced = [];
        object? Next()
        {
            var reader = new PickleReader(mapped.Bytes(at, (int)Math.Min(LongestPickle, mapped.Length - at)), Path);
            object? value = reader.Read();
            at += reader.Position;
            referenced = reader.Storages;
            return value;
        }
        if (mapped.Length < 2 || mapped.Bytes(0, 1)[0] != 0x80 || Next() is not BigInteger magic || magic != Magic)
            throw Damaged(Path, "it does not start like a PyTorch file");
        if (Next() is not 1001L)
            throw Damaged(Path, "its version is not 1001");
        if (Next() is not PickleDictionary machine || !machine.Entries.Contains(("little_endian", true)))
            throw Damaged(Path, "its numbers are not little-endian");
        object? root = Next();
        var storages = referenced.ToDictionary(s => s.Key);
        foreach (object? key in Next() as List<object?> ?? throw Damaged(Path, "the list of storages is missing"))
        {
            if (key is not string name || !storages.Remove(name, out PickleStorage? storage))
                throw Damaged(Path, "it holds a storage that nothing refers to");
            if (mapped.Length - at < 8 || BinaryPrimitives.ReadInt64LittleEndian(mapped.Bytes(at, 8)) != storage.Count
                || storage.Bytes > mapped.Length - at - 8 || storage.Bytes > Array.MaxLength)
                throw Damaged(Path, $"the storage {name} is truncated or of another length than {storage.Count}");
            _storages[name] = mapped.Bytes(at + 8, (int)storage.Bytes).ToArray();
            at += 8 + storage.Bytes;
        }
        return storages.Count == 0 && at == mapped.Length ? root
            : throw Damaged(Path, storages.Count > 0 ? $"the storage {storages.Keys.First()} is missing"
                : "bytes follow its last storage");
    }

    private void Collect(object? value, string name, int depth)
    {
        if (depth > MostDepth || ++_visited > MostTensors)
            throw Damaged(Path, "its dictionaries are nested too deep");
        if (value is PickleTensor tensor)
            _tensors[name] = tensor;
        foreach ((object? key, object? inner) in (value as PickleDictionary)?.Entries ?? [])
        {
            if (inner is PickleTensor or PickleDictionary && key is string or long)
                Collect(inner, name.Length == 0 ? $"{key}" : $"{name}.{key}", depth + 1);
        }
    }
}
