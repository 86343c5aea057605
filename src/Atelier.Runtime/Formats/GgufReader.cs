using System.Buffers.Binary;
using System.Text;

namespace Atelier.Formats;

/// <summary>The place of a metadata value in a GGUF file. Values are read on request.</summary>
/// <param name="Type">The type of the value, or of an array's items.</param>
/// <param name="Offset">The offset of the value, or of an array's first item, in bytes.</param>
/// <param name="Count">Number of items; 1 if the value is not an array.</param>
/// <param name="IsArray">Whether the value is an array.</param>
internal readonly record struct GgufValue(GgufValueType Type, long Offset, long Count, bool IsArray);

/// <summary>
/// Reads the header of a GGUF file value by value, checking that it never passes the end of the file.
/// </summary>
internal ref struct GgufReader(MappedFile file, long position)
{
    private const int DeepestArray = 4;
    private const long LongestText = 1 << 26;
    private const long LongestArray = 1 << 24; // the largest vocabularies have about a million merges

    public long Position { get; private set; } = position;

    public static AtelierException Damaged(string path, string what) =>
        new(what, path, "the file is damaged or of another kind: download it again");

    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    public ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

    public string Text() => Encoding.UTF8.GetString(TextBytes());

    public ReadOnlySpan<byte> TextBytes()
    {
        long length = Count(1);
        if (length > LongestText)
            throw Damaged(file.Path, $"a text of {length} bytes is declared; at most {LongestText} are supported");
        return Take((int)length);
    }

    /// <summary>Reads an integer as 64 bits. Unsigned values beyond 63 bits become negative.</summary>
    public long Integer(GgufValueType type) => type switch
    {
        GgufValueType.UInt8 => Take(1)[0],
        GgufValueType.Int8 => (sbyte)Take(1)[0],
        GgufValueType.UInt16 => BinaryPrimitives.ReadUInt16LittleEndian(Take(2)),
        GgufValueType.Int16 => BinaryPrimitives.ReadInt16LittleEndian(Take(2)),
        GgufValueType.UInt32 => UInt32(),
        GgufValueType.Int32 => BinaryPrimitives.ReadInt32LittleEndian(Take(4)),
        GgufValueType.UInt64 or GgufValueType.Int64 => BinaryPrimitives.ReadInt64LittleEndian(Take(8)),
        _ => throw Damaged(file.Path, $"a value has the type {type}, but a whole number is expected"),
    };

    public double Number(GgufValueType type) => type switch
    {
        GgufValueType.Float32 => BinaryPrimitives.ReadSingleLittleEndian(Take(4)),
        GgufValueType.Float64 => BinaryPrimitives.ReadDoubleLittleEndian(Take(8)),
        _ => Integer(type),
    };

    /// <summary>Skips a value and returns its place.</summary>
    public GgufValue Skip(GgufValueType type, int depth = 0)
    {
        if (type == GgufValueType.Array)
        {
            if (depth == DeepestArray)
                throw Damaged(file.Path, $"arrays are nested more than {DeepestArray} deep");
            return SkipArray(depth);
        }
        var value = new GgufValue(type, Position, 1, IsArray: false);
        if (type == GgufValueType.Text)
            TextBytes();
        else
            Take(Width(type));
        return value;
    }

    /// <summary>
    /// Reads a number of items that take at least <paramref name="bytesEach"/> bytes each, and checks that the rest of
    /// the file can hold them.
    /// </summary>
    public long Count(int bytesEach)
    {
        ulong count = UInt64();
        if (count > (ulong)(file.Length - Position) / (ulong)bytesEach)
            throw Damaged(file.Path, $"{count} items are declared, but {file.Length - Position} bytes are left");
        return (long)count;
    }

    private GgufValue SkipArray(int depth)
    {
        var type = (GgufValueType)UInt32();
        int width = type switch { GgufValueType.Text => 8, GgufValueType.Array => 12, _ => Width(type) };
        long count = Count(width);
        if (count > LongestArray)
            throw Damaged(file.Path, $"an array of {count} items is declared; at most {LongestArray} are supported");
        var value = new GgufValue(type, Position, count, IsArray: true);
        if (type is GgufValueType.Text or GgufValueType.Array)
        {
            for (long i = 0; i < count; i++)
                Skip(type, depth + 1);
        }
        else
        {
            Position += count * width;
        }
        return value;
    }

    private readonly int Width(GgufValueType type) => type switch
    {
        GgufValueType.UInt8 or GgufValueType.Int8 or GgufValueType.Bool => 1,
        GgufValueType.UInt16 or GgufValueType.Int16 => 2,
        GgufValueType.UInt32 or GgufValueType.Int32 or GgufValueType.Float32 => 4,
        GgufValueType.UInt64 or GgufValueType.Int64 or GgufValueType.Float64 => 8,
        _ => throw Damaged(file.Path, $"a value has the unknown type {(uint)type}"),
    };

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > file.Length - Position)
            throw new AtelierException("truncated", file.Path, "download the file again");
        ReadOnlySpan<byte> bytes = file.Bytes(Position, count);
        Position += count;
        return bytes;
    }
}
