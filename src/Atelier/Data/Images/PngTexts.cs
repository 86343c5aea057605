using System.Buffers.Binary;
using System.Text;
using Atelier.Abstractions;

namespace Atelier.Data.Images;

/// <summary>
/// Text chunks (iTXt) of PNG files: a keyword and UTF-8 text (PNG specification, third edition, 11.3.3.4).
/// </summary>
public static class PngTexts
{
    private const int SignatureBytes = 8, HeadBytes = 8, CrcBytes = 4;
    private static readonly uint[] Table = [.. Enumerable.Range(0, 256).Select(n => Enumerable.Range(0, 8)
        .Aggregate((uint)n, (crc, _) => (crc & 1) == 1 ? 0xEDB88320 ^ (crc >> 1) : crc >> 1))];

    /// <summary>Returns a PNG with texts added after its header.</summary>
    internal static byte[] Add(ReadOnlySpan<byte> png, IReadOnlyDictionary<string, string> texts)
    {
        int header = SignatureBytes + HeadBytes + BinaryPrimitives.ReadInt32BigEndian(png[SignatureBytes..]) + CrcBytes;
        using var made = new MemoryStream();
        made.Write(png[..header]);
        Span<byte> number = stackalloc byte[4];
        foreach ((string keyword, string text) in texts)
        {
            // keyword, 0, not compressed (0, 0), no language, no translated keyword, text
            byte[] chunk =
                [.. "iTXt"u8, .. Encoding.ASCII.GetBytes(keyword), 0, 0, 0, 0, 0, .. Encoding.UTF8.GetBytes(text)];
            BinaryPrimitives.WriteInt32BigEndian(number, chunk.Length - 4);
            made.Write(number);
            made.Write(chunk);
            BinaryPrimitives.WriteUInt32BigEndian(number, Crc(chunk));
            made.Write(number);
        }
        made.Write(png[header..]);
        return made.ToArray();
    }

    /// <summary>Reads the uncompressed texts of a PNG, by keyword.</summary>
    /// <exception cref="AtelierException">It is not a PNG, or is damaged.</exception>
    public static IReadOnlyDictionary<string, string> Read(InputImage image)
    {
        ReadOnlySpan<byte> png = image.Content.Span;
        if (!png.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G']))
            throw new AtelierException("is not a PNG file", image.Name,
                $"provide an image that {Mention.Command("generate")} wrote");
        var texts = new Dictionary<string, string>();
        for (int at = SignatureBytes; at + HeadBytes + CrcBytes <= png.Length;)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(png[at..]);
            if (length < 0 || length > png.Length - at - HeadBytes - CrcBytes)
                throw new AtelierException("is damaged or truncated", image.Name, "use the original image");
            ReadOnlySpan<byte> data = png.Slice(at + HeadBytes, length);
            if (png.Slice(at + 4, 4).SequenceEqual("iTXt"u8) && data.IndexOf((byte)0) is > 0 and int end
                && data.Length >= end + 5)
                texts[Encoding.ASCII.GetString(data[..end])] = Encoding.UTF8.GetString(data[(end + 5)..]);
            at += HeadBytes + length + CrcBytes;
        }
        return texts;
    }

    /// <summary>Returns the CRC-32 of the type and the data (PNG specification, annex D).</summary>
    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in bytes)
            crc = Table[(crc ^ value) & 255] ^ (crc >> 8);
        return ~crc;
    }
}
