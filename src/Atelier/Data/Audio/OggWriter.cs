using System.Buffers.Binary;

namespace Atelier.Data.Audio;

/// <summary>Writes packets as one logical stream of an Ogg file (RFC 3533).</summary>
/// <param name="stream">The file.</param>
/// <param name="serial">The number of the logical stream.</param>
internal sealed class OggWriter(Stream stream, uint serial)
{
    private const int HeaderBytes = 27, MostSegments = 255, SegmentBytes = 255;
    private const byte First = 2, Last = 4; // flags of a page
    private static readonly uint[] Table = [.. Enumerable.Range(0, 256).Select(Entry)];

    private readonly List<byte> _segments = []; // the lacing values of the page
    private readonly List<byte> _content = [];
    private uint _pages;

    /// <summary>Writes a packet, and ends the page after it if asked to, or if another packet would not fit.</summary>
    /// <param name="packet">The packet; shorter than a page.</param>
    /// <param name="position">The position of the stream after the packet, in samples.</param>
    /// <param name="endsPage">Whether the next packet begins another page.</param>
    /// <param name="isLast">Whether the stream ends after it.</param>
    public void Write(ReadOnlySpan<byte> packet, long position, bool endsPage, bool isLast = false)
    {
        int segments = (packet.Length / SegmentBytes) + 1;
        if (segments > MostSegments)
            throw new ArgumentException("the packet is longer than a page", nameof(packet));
        for (int left = packet.Length; left >= 0; left -= SegmentBytes)
            _segments.Add((byte)Math.Min(left, SegmentBytes));
        _content.AddRange(packet);
        if (endsPage || isLast || _segments.Count + segments + 1 > MostSegments)
            EndPage(position, isLast);
    }

    private void EndPage(long position, bool isLast)
    {
        var page = new byte[HeaderBytes + _segments.Count + _content.Count];
        Span<byte> header = page;
        "OggS"u8.CopyTo(header);
        header[5] = (byte)((_pages == 0 ? First : 0) | (isLast ? Last : 0));
        BinaryPrimitives.WriteInt64LittleEndian(header[6..], position);
        BinaryPrimitives.WriteUInt32LittleEndian(header[14..], serial);
        BinaryPrimitives.WriteUInt32LittleEndian(header[18..], _pages++);
        header[26] = (byte)_segments.Count;
        _segments.CopyTo(page, HeaderBytes);
        _content.CopyTo(page, HeaderBytes + _segments.Count);
        BinaryPrimitives.WriteUInt32LittleEndian(header[22..], Checksum(page));
        stream.Write(page);
        _segments.Clear();
        _content.Clear();
    }

    /// <summary>The cyclic redundancy check of a page whose own field is zero: the polynomial 04c11db7, not
    /// reflected.</summary>
    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        uint sum = 0;
        foreach (byte value in bytes)
            sum = (sum << 8) ^ Table[(sum >> 24) ^ value];
        return sum;
    }

    private static uint Entry(int value)
    {
        uint entry = (uint)value << 24;
        for (int bit = 0; bit < 8; bit++)
            entry = (entry & 0x80000000) != 0 ? (entry << 1) ^ 0x04C11DB7 : entry << 1;
        return entry;
    }
}
