using System.Buffers.Binary;

namespace Atelier.Formats;

/// <summary>
/// Reads the fields of a message in the encoding of Protocol Buffers. Lengths are checked against what is left.
/// </summary>
/// <param name="bytes">The message.</param>
internal ref struct ProtobufReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    /// <summary>The number of the field.</summary>
    public int Field { get; private set; }

    /// <summary>The value of a field that is an integer, a switch or an enumeration.</summary>
    public ulong Number { get; private set; }

    /// <summary>The bytes of a field that is a string, bytes or a message.</summary>
    public ReadOnlySpan<byte> Bytes { get; private set; }

    /// <summary>The value of a field of 32 bits that is a number with a fraction.</summary>
    public readonly float Single => BitConverter.Int32BitsToSingle((int)Number);

    /// <summary>Goes on to the next field.</summary>
    /// <returns>Whether there is one.</returns>
    /// <exception cref="FormatException">The message is damaged.</exception>
    public bool Next()
    {
        if (_rest.IsEmpty)
            return false;
        ulong tag = Varint();
        Field = tag >> 3 is > 0 and <= int.MaxValue ? (int)(tag >> 3)
            : throw new FormatException("a field has no number");
        Number = 0;
        Bytes = default;
        switch (tag & 7)
        {
            case 0:
                Number = Varint();
                return true;
            case 1:
                Number = BinaryPrimitives.ReadUInt64LittleEndian(Take(8));
                return true;
            case 2:
                ulong length = Varint();
                Bytes = Take(length <= (ulong)_rest.Length ? (int)length : int.MaxValue);
                return true;
            case 5:
                Number = BinaryPrimitives.ReadUInt32LittleEndian(Take(4));
                return true;
            default:
                throw new FormatException($"the field {Field} is of the unknown type {tag & 7}");
        }
    }

    private ReadOnlySpan<byte> Take(int length)
    {
        if (length > _rest.Length)
            throw new FormatException($"the field {Field} is longer than the {_rest.Length} bytes that are left");
        ReadOnlySpan<byte> taken = _rest[..length];
        _rest = _rest[length..];
        return taken;
    }

    private ulong Varint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            byte part = Take(1)[0];
            value |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80)
                return value;
        }
        throw new FormatException("a number has more than ten bytes");
    }
}
