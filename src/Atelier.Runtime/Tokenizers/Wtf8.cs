using System.Text;

namespace Atelier.Tokenizers;

/// <summary>WTF-8 (Sapin 2018): UTF-8 that also encodes lone surrogates, in three bytes each.</summary>
public static class Wtf8
{
    /// <summary>Appends the bytes of <paramref name="text"/>.</summary>
    public static void Encode(ReadOnlySpan<char> text, List<byte> bytes)
    {
        Span<byte> buffer = stackalloc byte[4];
        while (!text.IsEmpty)
        {
            int used = 1;
            if (Rune.DecodeFromUtf16(text, out Rune rune, out int consumed) == System.Buffers.OperationStatus.Done)
            {
                int length = rune.EncodeToUtf8(buffer);
                bytes.AddRange(buffer[..length]);
                used = consumed;
            }
            else
            {
                int surrogate = text[0];
                bytes.Add((byte)(0xE0 | (surrogate >> 12)));
                bytes.Add((byte)(0x80 | ((surrogate >> 6) & 0x3F)));
                bytes.Add((byte)(0x80 | (surrogate & 0x3F)));
            }
            text = text[used..];
        }
    }

    /// <summary>Returns the bytes of <paramref name="text"/>.</summary>
    public static byte[] Encode(ReadOnlySpan<char> text)
    {
        var bytes = new List<byte>(text.Length + 16);
        Encode(text, bytes);
        return [.. bytes];
    }

    /// <summary>Decodes the first character.</summary>
    /// <returns>
    /// The length of the character in bytes; 0 if more bytes are needed; minus the length of a malformed sequence.
    /// </returns>
    public static int Decode(ReadOnlySpan<byte> bytes, out int scalar)
    {
        scalar = 0xFFFD;
        byte first = bytes[0];
        int length = first switch { < 0x80 => 1, < 0xC2 => -1, < 0xE0 => 2, < 0xF0 => 3, < 0xF5 => 4, _ => -1 };
        if (length < 0)
            return -1;
        if (length == 1)
        {
            scalar = first;
            return 1;
        }
        int value = first & (0xFF >> (length + 1));
        for (int i = 1; i < length; i++)
        {
            if (i >= bytes.Length)
                return 0;
            if ((bytes[i] & 0xC0) != 0x80)
                return -i;
            value = (value << 6) | (bytes[i] & 0x3F);
            // The second byte already shows overlong forms (E0 80.., F0 80..) and values beyond U+10FFFF (F4 90..).
            if (i == 1 && ((length == 3 && value < 0x20) || (length == 4 && (value < 0x10 || value > 0x10F))))
                return -1;
        }
        scalar = value;
        return length;
    }
}
