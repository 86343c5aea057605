using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Atelier.Data.Text;

/// <summary>
/// The first 128 bytes of a token file. They are checked against the file's length before anything else is read.
/// </summary>
internal sealed record TokenFileHeader(
    int VocabularySize, int EndOfTextId, long Count, long DocumentCount, long Characters, long Bytes, byte[] IndexHash)
{
    /// <summary>The size of the header in bytes.</summary>
    public const int Size = 128;

    /// <summary>The size of a document's entry in the index, in bytes.</summary>
    public const int EntrySize = 32;

    private const ulong Magic = 0x534E_454B_4F54_4C41; // "ALTOKENS" in little-endian order
    private const int Version = 1;
    private const int HashedBytes = Size - 32;

    /// <summary>The size of a token id in bytes.</summary>
    public int Width => VocabularySize <= 1 << 16 ? 2 : 4;

    /// <summary>The offset of the index: after the token ids, at a multiple of 8.</summary>
    public long IndexOffset => (Size + Count * Width + 7) / 8 * 8;

    /// <summary>Reads and checks the header.</summary>
    /// <exception cref="AtelierException">The file is not a token file, or its length contradicts the
    /// header.</exception>
    public static TokenFileHeader Read(Stream stream, string path)
    {
        Span<byte> bytes = stackalloc byte[Size];
        if (stream.ReadAtLeast(bytes, Size, throwOnEndOfStream: false) < Size
            || BinaryPrimitives.ReadUInt64LittleEndian(bytes) != Magic)
            throw new AtelierException("is not a token file", path, "prepare the data again");
        int version = BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]);
        if (version != Version)
            throw new AtelierException(
                $"is a token file of version {version}, but this version of Atelier reads version {Version}", path,
                "prepare the data again");
        if (!SHA256.HashData(bytes[..HashedBytes]).AsSpan().SequenceEqual(bytes[HashedBytes..]))
            throw Altered(path, "the checksum of the header is wrong");
        var header = new TokenFileHeader(
            BinaryPrimitives.ReadInt32LittleEndian(bytes[12..]), BinaryPrimitives.ReadInt32LittleEndian(bytes[16..]),
            BinaryPrimitives.ReadInt64LittleEndian(bytes[24..]), BinaryPrimitives.ReadInt64LittleEndian(bytes[32..]),
            BinaryPrimitives.ReadInt64LittleEndian(bytes[40..]), BinaryPrimitives.ReadInt64LittleEndian(bytes[48..]),
            bytes[56..88].ToArray());
        long length = stream.Length;
        if (header.VocabularySize < 1 || header.EndOfTextId >= header.VocabularySize
            || header.Count < 0 || header.Count > length
            || header.DocumentCount < 0 || header.DocumentCount > length / EntrySize
            || header.IndexOffset + header.DocumentCount * EntrySize != length)
            throw Altered(path,
                $"the header declares {header.Count} tokens in {header.DocumentCount} documents, more than {length} "
                    + $"bytes can hold");
        return header;
    }

    /// <summary>Writes the header at the current position of the stream.</summary>
    public void Write(Stream stream)
    {
        Span<byte> bytes = stackalloc byte[Size];
        bytes.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[8..], Version);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[12..], VocabularySize);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[16..], EndOfTextId);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[24..], Count);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[32..], DocumentCount);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[40..], Characters);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[48..], Bytes);
        IndexHash.CopyTo(bytes[56..]);
        SHA256.HashData(bytes[..HashedBytes], bytes[HashedBytes..]);
        stream.Write(bytes);
    }

    /// <summary>Creates the error for a file that was altered after it was written.</summary>
    public static AtelierException Altered(string path, string what) =>
        new($"is truncated or was modified: {what}", path, "prepare the data again");
}
