using System.Buffers.Binary;
using System.Text;

namespace Atelier.Formats;

/// <summary>The metadata of a GGUF file (versions 2 and 3): what stands before the tensors, a vocabulary above all.</summary>
/// <remarks>Every length is checked against what is left of the file before anything is allocated.</remarks>
public sealed class GgufFile
{
    private const int DeepestArray = 4;
    private const ulong LongestText = 1 << 26;
    private const ulong LongestArray = 1 << 24; // the largest vocabularies have about a million merges
    private readonly IReadOnlyDictionary<string, object> _values;

    private GgufFile(string path, IReadOnlyDictionary<string, object> values)
    {
        Path = path;
        _values = values;
    }

    private enum ValueType : uint
    {
        UInt8, Int8, UInt16, Int16, UInt32, Int32, Float32, Bool, Text, Array, UInt64, Int64, Float64,
    }

    /// <summary>Where it lies.</summary>
    public string Path { get; }

    /// <summary>The names of all values.</summary>
    public IEnumerable<string> Keys => _values.Keys;

    /// <summary>Reads the metadata of a file.</summary>
    /// <exception cref="AtelierException">The file is missing, cut short, or not GGUF.</exception>
    public static GgufFile Open(string path)
    {
        if (!File.Exists(path))
            throw new AtelierException("no such file", path);
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
            var reader = new Reader(stream, path);
            if (reader.UInt32() != 0x46554747) // "GGUF"
                throw reader.Damaged("it does not begin with GGUF");
            uint version = reader.UInt32();
            if (version is not (2 or 3))
                throw reader.Damaged($"its version is {version}; 2 and 3 are read");
            reader.UInt64(); // tensors
            ulong count = reader.UInt64();
            reader.Expect(count, 13); // a value takes a name's length, a type and a byte at the least
            var values = new Dictionary<string, object>();
            for (ulong i = 0; i < count; i++)
            {
                string key = reader.Text();
                if (!values.TryAdd(key, reader.Value((ValueType)reader.UInt32(), 0)))
                    throw reader.Damaged($"'{key}' stands twice");
            }
            return new GgufFile(path, values);
        }
        catch (EndOfStreamException e)
        {
            throw new AtelierException("cut short", path, "take the file from its source again", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AtelierException($"cannot be read: {e.Message.TrimEnd('.')}", path, inner: e);
        }
    }

    /// <summary>A value, converted.</summary>
    /// <typeparam name="T">string, bool, long (any integer), double (any float), or object[] for arrays.</typeparam>
    /// <exception cref="AtelierException">There is no such value, or it is of another type.</exception>
    public T Get<T>(string key) =>
        _values.TryGetValue(key, out object? value)
            ? value is T right ? right : throw new AtelierException($"'{key}' is not of the type it should be", Path)
            : throw new AtelierException($"there is no value '{key}'", Path);

    /// <summary>Reads what a stream holds, never more.</summary>
    private sealed class Reader(Stream stream, string path)
    {
        private readonly byte[] _buffer = new byte[8];

        public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

        public ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

        public string Text()
        {
            ulong length = UInt64();
            Expect(length, 1);
            if (length > LongestText)
                throw Damaged($"a text of {length} bytes is announced; {LongestText} are read at most");
            byte[] bytes = new byte[length];
            stream.ReadExactly(bytes);
            return Encoding.UTF8.GetString(bytes);
        }

        public object Value(ValueType type, int depth) => type switch
        {
            ValueType.UInt8 => (long)Take(1)[0],
            ValueType.Int8 => (long)(sbyte)Take(1)[0],
            ValueType.UInt16 => (long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2)),
            ValueType.Int16 => (long)BinaryPrimitives.ReadInt16LittleEndian(Take(2)),
            ValueType.UInt32 => (long)UInt32(),
            ValueType.Int32 => (long)BinaryPrimitives.ReadInt32LittleEndian(Take(4)),
            ValueType.UInt64 => unchecked((long)UInt64()),
            ValueType.Int64 => BinaryPrimitives.ReadInt64LittleEndian(Take(8)),
            ValueType.Float32 => (double)BinaryPrimitives.ReadSingleLittleEndian(Take(4)),
            ValueType.Float64 => BinaryPrimitives.ReadDoubleLittleEndian(Take(8)),
            ValueType.Bool => Take(1)[0] != 0,
            ValueType.Text => Text(),
            ValueType.Array when depth < DeepestArray => Array(depth),
            _ => throw Damaged($"a value has the unknown type {(uint)type}"),
        };

        public void Expect(ulong count, int bytesEach)
        {
            if (count > (ulong)(stream.Length - stream.Position) / (ulong)bytesEach)
                throw Damaged($"{count} items are announced where {stream.Length - stream.Position} bytes are left");
        }

        public AtelierException Damaged(string what) => new(what, path, "the file is damaged or of another kind: take it from its source again");

        private object[] Array(int depth)
        {
            var type = (ValueType)UInt32();
            ulong count = UInt64();
            Expect(count, type switch
            {
                ValueType.Text or ValueType.UInt64 or ValueType.Int64 or ValueType.Float64 => 8,
                ValueType.UInt32 or ValueType.Int32 or ValueType.Float32 => 4,
                ValueType.Array => 12,
                _ => 1,
            });
            if (count > LongestArray)
                throw Damaged($"an array of {count} items is announced; {LongestArray} are read at most");
            var items = new object[count];
            for (int i = 0; i < items.Length; i++)
                items[i] = Value(type, depth + 1);
            return items;
        }

        private ReadOnlySpan<byte> Take(int count)
        {
            Span<byte> bytes = _buffer.AsSpan(0, count);
            stream.ReadExactly(bytes);
            return bytes;
        }
    }
}
