using System.Buffers.Binary;
using System.Text;

namespace Atelier.Formats;

/// <summary>A message of Protocol Buffers' wire format, field by field.</summary>
internal sealed class ProtobufMessage
{
    private const int VariableLength = 0, LengthDelimited = 2, FourBytes = 5; // wire types

    private readonly MemoryStream _bytes = new();

    /// <summary>The size so far in bytes.</summary>
    public long Length => _bytes.Length;

    /// <summary>Adds an integer.</summary>
    public ProtobufMessage Add(int field, long value) => Tag(field, VariableLength).Varint((ulong)value);

    /// <summary>Adds a number in single precision.</summary>
    public ProtobufMessage Add(int field, float value)
    {
        Tag(field, FourBytes);
        Span<byte> bytes = stackalloc byte[sizeof(float)];
        BinaryPrimitives.WriteSingleLittleEndian(bytes, value);
        _bytes.Write(bytes);
        return this;
    }

    /// <summary>Adds a text.</summary>
    public ProtobufMessage Add(int field, string value)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(value);
        AddHead(field, utf8.Length);
        _bytes.Write(utf8);
        return this;
    }

    /// <summary>Adds a message.</summary>
    public ProtobufMessage Add(int field, ProtobufMessage value)
    {
        AddHead(field, value.Length);
        value.WriteTo(_bytes);
        return this;
    }

    /// <summary>Adds the head of a field whose bytes are written after this message.</summary>
    public ProtobufMessage AddHead(int field, long length) => Tag(field, LengthDelimited).Varint((ulong)length);

    /// <summary>Appends the fields of another message.</summary>
    public ProtobufMessage Append(ProtobufMessage fields)
    {
        fields.WriteTo(_bytes);
        return this;
    }

    /// <summary>Writes the message.</summary>
    public void WriteTo(Stream stream) => _bytes.WriteTo(stream);

    private ProtobufMessage Tag(int field, int wireType) => Varint((ulong)(field << 3 | wireType));

    private ProtobufMessage Varint(ulong value)
    {
        for (; value > 0x7F; value >>= 7)
            _bytes.WriteByte((byte)(value | 0x80));
        _bytes.WriteByte((byte)value);
        return this;
    }
}
