using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace Atelier.Data.Audio;

/// <summary>
/// Texts in sound files. In WAV files they are one comment (ICMT) of JSON in a list of type INFO (Microsoft and IBM
/// 1991, "Multimedia Programming Interface and Data Specifications 1.0", chapter 2); in Ogg Opus files, comments of
/// the form NAME=TEXT (RFC 7845, section 5.2).
/// </summary>
internal static class AudioTags
{
    private const int ChunkHead = 8, RiffHead = 12, OggHead = 27, OggSegmentCount = 26;
    private const string Vendor = "Atelier";

    /// <summary>Whether a file begins as a WAV or an Ogg file.</summary>
    public static bool IsSound(ReadOnlySpan<byte> file) => file.StartsWith("RIFF"u8) || file.StartsWith("OggS"u8);

    /// <summary>Returns a WAV file with texts added at its end.</summary>
    public static byte[] AddToWav(ReadOnlySpan<byte> wav, IReadOnlyDictionary<string, string> texts)
    {
        byte[] list = [.. "INFO"u8, .. Chunk("ISFT"u8, Encoding.UTF8.GetBytes(Vendor)),
            .. Chunk("ICMT"u8, JsonSerializer.SerializeToUtf8Bytes(texts))];
        byte[] file = [.. wav, .. Chunk("LIST"u8, list, isText: false)];
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(4), file.Length - ChunkHead);
        return file;

        // a text ends with a zero, and a chunk has an even length
        static byte[] Chunk(ReadOnlySpan<byte> type, byte[] content, bool isText = true)
        {
            var size = new byte[4];
            int length = content.Length + (isText ? 1 : 0);
            BinaryPrimitives.WriteInt32LittleEndian(size, length);
            return [.. type, .. size, .. content, .. new byte[length - content.Length + (length % 2)]];
        }
    }

    /// <summary>Returns the packet of comments of an Ogg Opus file.</summary>
    public static byte[] OpusComments(IReadOnlyDictionary<string, string> texts)
    {
        using var packet = new MemoryStream();
        packet.Write("OpusTags"u8);
        Write(Vendor);
        Number(texts.Count);
        foreach ((string name, string text) in texts)
            Write($"{name}={text}");
        return packet.ToArray();

        void Write(string text)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            Number(bytes.Length);
            packet.Write(bytes);
        }

        void Number(int value)
        {
            Span<byte> bytes = stackalloc byte[4];
            BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
            packet.Write(bytes);
        }
    }

    /// <summary>Reads the texts of a WAV or Ogg Opus file; none of a file that has none.</summary>
    /// <param name="file">The contents of the file.</param>
    /// <param name="name">The name of the file for errors.</param>
    /// <exception cref="AtelierException">The file is damaged or truncated.</exception>
    public static IReadOnlyDictionary<string, string> Read(ReadOnlySpan<byte> file, string name)
    {
        try
        {
            return file.StartsWith("RIFF"u8) ? OfWav(file) : OfOpus(file);
        }
        catch (Exception e) when (e is ArgumentOutOfRangeException or JsonException)
        {
            throw new AtelierException("is damaged or truncated", name, "use the original file", e);
        }
    }

    private static IReadOnlyDictionary<string, string> OfWav(ReadOnlySpan<byte> file)
    {
        ReadOnlySpan<byte> info = Find(file[RiffHead..], "LIST"u8);
        if (!info.StartsWith("INFO"u8))
            return new Dictionary<string, string>();
        ReadOnlySpan<byte> software = Find(info[4..], "ISFT"u8).TrimEnd((byte)0),
            comment = Find(info[4..], "ICMT"u8).TrimEnd((byte)0);
        return software.SequenceEqual(Encoding.UTF8.GetBytes(Vendor)) // comments of others are of any form
            ? JsonSerializer.Deserialize<Dictionary<string, string>>(comment) ?? [] : new Dictionary<string, string>();

        static ReadOnlySpan<byte> Find(ReadOnlySpan<byte> chunks, ReadOnlySpan<byte> type)
        {
            while (chunks.Length >= ChunkHead)
            {
                int length = BinaryPrimitives.ReadInt32LittleEndian(chunks[4..]);
                ReadOnlySpan<byte> content = chunks.Slice(ChunkHead, length);
                if (chunks.StartsWith(type))
                    return content;
                chunks = chunks[Math.Min(chunks.Length, ChunkHead + length + (length % 2))..];
            }
            return [];
        }
    }

    private static Dictionary<string, string> OfOpus(ReadOnlySpan<byte> file)
    {
        ReadOnlySpan<byte> page = file[PageLength(file)..]; // the first has the header of Opus
        ReadOnlySpan<byte> packet = page[(OggHead + Segments(page))..PageLength(page)];
        var texts = new Dictionary<string, string>();
        if (!packet.StartsWith("OpusTags"u8))
            return texts;
        ReadOnlySpan<byte> rest = packet["OpusTags".Length..];
        _ = Text(ref rest); // the vendor
        int count = BinaryPrimitives.ReadInt32LittleEndian(rest);
        rest = rest[4..];
        for (int i = 0; i < count; i++)
        {
            string text = Text(ref rest);
            if (text.IndexOf('=', StringComparison.Ordinal) is > 0 and int sign)
                texts[text[..sign]] = text[(sign + 1)..];
        }
        return texts;

        static string Text(ref ReadOnlySpan<byte> from)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(from);
            string text = Encoding.UTF8.GetString(from.Slice(4, length));
            from = from[(4 + length)..];
            return text;
        }

        static int Segments(ReadOnlySpan<byte> page) => page.Slice(OggSegmentCount, 1)[0];

        static int PageLength(ReadOnlySpan<byte> page)
        {
            int length = OggHead + Segments(page);
            foreach (byte segment in page[OggHead..length])
                length += segment;
            return length;
        }
    }
}
