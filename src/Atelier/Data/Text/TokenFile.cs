using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Atelier.Data.Text;

/// <summary>The position and length of a document in a token file.</summary>
/// <param name="Start">The position of its first token.</param>
/// <param name="Length">Its tokens, its end of text included where it has one.</param>
/// <param name="Characters">Its Unicode scalar values, its end counted as one where it has one.</param>
/// <param name="Bytes">Its bytes of UTF-8, its end counted as one where it has one.</param>
public readonly record struct DocumentEntry(long Start, long Length, long Characters, long Bytes);

/// <summary>
/// The tokens of one part of a corpus, memory-mapped, so that a corpus larger than memory trains. Documents stand one
/// after another, each ended by the end-of-text token (a single document cut in parts is not). Safe to read from many
/// threads at once.
/// </summary>
/// <remarks>
/// The file is a header (<see cref="TokenFileHeader"/>), the ids in 16 bits each where the vocabulary allows and in 32
/// otherwise, zeros up to a multiple of 8 bytes, and one <see cref="DocumentEntry"/> of four 64-bit numbers a document;
/// all little-endian.
/// </remarks>
public sealed unsafe class TokenFile : IDisposable
{
    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;
    private readonly TokenFileHeader _header;
    private readonly byte* _start;
    private bool _disposed;

    private TokenFile(string path, TokenFileHeader header)
    {
        Path = path;
        _header = header;
        _map = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        _view = _map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
    }

    /// <summary>The file it is read from.</summary>
    public string Path { get; }

    /// <summary>Tokens in all, ends of text included.</summary>
    public long Count => _header.Count;

    /// <summary>Documents in all.</summary>
    public long DocumentCount => _header.DocumentCount;

    /// <summary>Unicode scalar values in all, each document's end counted as one where it has one.</summary>
    public long Characters => _header.Characters;

    /// <summary>Bytes of UTF-8 in all, each document's end counted as one where it has one.</summary>
    public long Bytes => _header.Bytes;

    /// <summary>The vocabulary's size: every id is below it.</summary>
    public int VocabularySize => _header.VocabularySize;

    /// <summary>
    /// The token that ends every document; null where the file holds a part of a single document, which has no end.
    /// </summary>
    public int? EndOfTextId => _header.EndOfTextId < 0 ? null : _header.EndOfTextId;

    /// <summary>Opens a token file, checking its header and its index against its length and the checksum.</summary>
    /// <exception cref="AtelierException">The file is missing, is not a token file, or is truncated or
    /// altered.</exception>
    public static TokenFile Open(string path)
    {
        TokenFileHeader header;
        try
        {
            using FileStream stream = File.OpenRead(path);
            header = TokenFileHeader.Read(stream, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AtelierException("the prepared data cannot be read: " + e.Message.TrimEnd('.'), path,
                "prepare the data again", e);
        }
        var file = new TokenFile(path, header);
        try
        {
            file.CheckIndex();
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The document of that number, from 0.</summary>
    public DocumentEntry Document(long index)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, DocumentCount);
        return Index[index];
    }

    /// <summary>The number of the document that holds the token at <paramref name="position"/>.</summary>
    public long DocumentAt(long position)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(position, Count);
        DocumentEntry* index = Index;
        long low = 0, high = DocumentCount - 1;
        while (low < high)
        {
            long middle = low + (high - low + 1) / 2;
            if (index[middle].Start <= position)
                low = middle;
            else
                high = middle - 1;
        }
        return low;
    }

    /// <summary>Copies the tokens from <paramref name="position"/> on.</summary>
    /// <returns>How many were copied: fewer than asked only at the end of the file.</returns>
    /// <exception cref="AtelierException">The file holds an id that the vocabulary lacks: it was altered.</exception>
    public int Read(long position, Span<int> tokens)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(position, Count);
        int count = (int)Math.Min(tokens.Length, Count - position);
        byte* ids = _start + TokenFileHeader.Size + position * _header.Width;
        uint largest = 0;
        for (int i = 0; i < count; i++)
        {
            uint id = _header.Width == 2 ? ((ushort*)ids)[i] : ((uint*)ids)[i];
            largest = Math.Max(largest, id);
            tokens[i] = (int)id;
        }
        if (largest >= VocabularySize)
            throw new AtelierException(
                $"holds token {largest}, but the vocabulary has {VocabularySize}: the file was modified",
                Path, "prepare the data again");
        return count;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _map.Dispose();
    }

    private DocumentEntry* Index => (DocumentEntry*)(_start + _header.IndexOffset);

    private void CheckIndex()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        DocumentEntry sum = default;
        for (long i = 0; i < DocumentCount; i++)
        {
            DocumentEntry entry = Index[i];
            hash.AppendData(MemoryMarshal.AsBytes(new ReadOnlySpan<DocumentEntry>(in entry)));
            if (entry.Start != sum.Start || entry.Length <= 0 || entry.Length > Count - sum.Start)
                throw TokenFileHeader.Altered(Path, $"document {i} does not start where the one before it ends");
            sum = new(entry.Start + entry.Length, 0, sum.Characters + entry.Characters, sum.Bytes + entry.Bytes);
        }
        if (!hash.GetHashAndReset().AsSpan().SequenceEqual(_header.IndexHash))
            throw TokenFileHeader.Altered(Path, "the checksum of the index is wrong");
        if (sum.Start != Count || sum.Characters != Characters || sum.Bytes != Bytes)
            throw TokenFileHeader.Altered(Path, "the documents do not add up to the file");
    }
}
