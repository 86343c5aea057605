using System.Buffers.Binary;

namespace Atelier.Data.Images;

/// <summary>
/// Encodes animations in the Graphics Interchange Format (CompuServe 1990, version 89a), which repeat forever. Colours
/// are reduced to one palette for all frames; greys are kept.
/// </summary>
public static class GifFile
{
    private const int MostSide = ushort.MaxValue, LongestBlock = 255;

    /// <summary>Encodes an animation.</summary>
    /// <param name="width">Pixels across, at most 65,535.</param>
    /// <param name="height">Pixels down, at most 65,535.</param>
    /// <param name="channels">1 or 3.</param>
    /// <param name="frames">The frames, at least one: rows from the top, with interleaved channels.</param>
    /// <param name="delay">The time of a frame; GIF counts in hundredths of a second.</param>
    /// <param name="last">The time of the last frame.</param>
    public static byte[] Encode(int width, int height, int channels, IReadOnlyList<byte[]> frames, TimeSpan delay,
        TimeSpan last)
    {
        ArgumentOutOfRangeException.ThrowIfZero(frames.Count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Math.Max(width, height), MostSide);
        var palette = ColourPalette.Of(frames, channels);
        using var stream = new MemoryStream();
        stream.Write("GIF89a"u8);
        Write16(stream, width, height);
        stream.Write([0xF7, 0, 0]); // a global table of 256 colours of 8 bits; background; no aspect ratio
        stream.Write(palette.Table);
        stream.Write([0x21, 0xFF, 11, .. "NETSCAPE2.0"u8, 3, 1, 0, 0, 0]); // repeat forever
        for (int i = 0; i < frames.Count; i++)
        {
            stream.Write([0x21, 0xF9, 4, 0]);
            Write16(stream, (int)Math.Round((i + 1 < frames.Count ? delay : last).TotalMilliseconds / 10));
            stream.Write([0, 0, 0x2C]);
            Write16(stream, 0, 0, width, height);
            stream.Write([0, 8]); // no table of its own; codes begin with 9 bits
            byte[] packed = Pack(palette.Indices(frames[i]));
            for (int at = 0; at < packed.Length; at += LongestBlock)
            {
                int length = Math.Min(LongestBlock, packed.Length - at);
                stream.WriteByte((byte)length);
                stream.Write(packed, at, length);
            }
            stream.WriteByte(0);
        }
        stream.WriteByte(0x3B);
        return stream.ToArray();
    }

    /// <summary>Packs bytes with variable-length codes (Lempel and Ziv 1978, as changed by Welch 1984).</summary>
    private static byte[] Pack(ReadOnlySpan<byte> values)
    {
        const int Clear = 256, End = 257, MostCodes = 4096;
        var packed = new MemoryStream();
        var codes = new Dictionary<int, int>(); // the code of a code followed by a byte: code · 256 + byte
        int next = End + 1, bits = 9, held = 0, heldBits = 0;
        Put(Clear);
        int prefix = values[0];
        foreach (byte value in values[1..])
        {
            int longer = (prefix << 8) | value;
            if (codes.TryGetValue(longer, out int known))
            {
                prefix = known;
                continue;
            }
            Put(prefix);
            prefix = value;
            if (next == MostCodes)
            {
                Put(Clear);
                codes.Clear();
                (next, bits) = (End + 1, 9);
                continue;
            }
            codes[longer] = next;
            if (next++ == 1 << bits) // the reader is one code behind the writer
                bits++;
        }
        Put(prefix);
        Put(End);
        if (heldBits > 0)
            packed.WriteByte((byte)held);
        return packed.ToArray();

        void Put(int code)
        {
            held |= code << heldBits;
            for (heldBits += bits; heldBits >= 8; heldBits -= 8, held >>= 8)
                packed.WriteByte((byte)held);
        }
    }

    private static void Write16(Stream stream, params ReadOnlySpan<int> values)
    {
        Span<byte> bytes = stackalloc byte[2];
        foreach (int value in values)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)value);
            stream.Write(bytes);
        }
    }
}
