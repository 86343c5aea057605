using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Atelier.Data.Text;

/// <summary>The position and length of a document in a token file.</summary>
/// <param name="Start">The position of its first token.</param>
/// <param name="Length">The number of its tokens, including the end-of-text token if it has one.</param>
/// <param name="Characters">The number of its Unicode scalar values; an end-of-text token counts as one.</param>
/// <param name="Bytes">The number of its bytes in UTF-8; an end-of-text token counts as one.</param>
public readonly record struct DocumentEntry(long Start, long Length, long Characters, long Bytes);

/// <summary>
/// The tokens of one part of a corpus, in a memory-mapped file, so that a corpus may be larger than memory. Documents
/// follow one another, each ended by the end-of-text token (except for a single document that was cut into parts). This
/// class is thread-safe, except for disposal.
/// </summary>
/// <remarks>
/// The file consists of a header (<see cref="TokenFileHeader"/>), the token ids in 16 bits each if the vocabulary
/// allows and in 32 otherwise, zeros up to a multiple of 8 bytes, and one <see cref="DocumentEntry"/> of four 64-bit
/// numbers per document; all little-endian.
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

    /// <summary>The path of the file.</summary>
    public string Path { get; }

    /// <summary>The number of tokens, including end-of-text tokens.</summary>
    public long Count => _header.Count;

    /// <summary>The number of documents.</summary>
    public long DocumentCount => _header.DocumentCount;

    /// <summary>The number of Unicode scalar values; each end-of-text token counts as one.</summary>
    public long Characters => _header.Characters;

    /// <summary>The number of bytes in UTF-8; each end-of-text token counts as one.</summary>
    public long Bytes => _header.Bytes;

    /// <summary>The size of the vocabulary; all token ids are below it.</summary>
    public int VocabularySize => _header.VocabularySize;

    /// <summary>
    /// The token that ends each document; null if the file holds a part of a single document, which has no end token.
    /// </summary>
    public int? EndOfTextId => _header.EndOfTextId < 0 ? null : _header.EndOfTextId;

    /// <summary>
    /// Opens a token file, and checks its header and its index against the file's length and the checksum.
    /// </summary>
    /// <exception cref="AtelierException">The file is missing, not a token file, truncated or altered.</exception>
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

    /// <summary>Returns the position and length of a document by its index, from 0.</summary>
    public DocumentEntry Document(long index)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, DocumentCount);
        return Index[index];
    }

    /// <summary>Returns the index of the document that holds the token at <paramref name="position"/>.</summary>
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

    /// <summary>Returns the places of the documents, in pieces of at most a number of tokens.</summary>
    /// <param name="longest">The largest number of tokens of a piece.</param>
    /// <param name="ends">Whether the last piece of a document includes its end token.</param>
    internal IEnumerable<(long Start, int Length)> Windows(int longest, bool ends)
    {
        for (long index = 0; index < DocumentCount; index++)
        {
            DocumentEntry document = Document(index);
            long length = document.Length - (ends || EndOfTextId is null ? 0 : 1);
            for (long at = 0; at < length; at += longest)
                yield return (document.Start + at, (int)Math.Min(longest, length - at));
        }
    }

    /// <summary>Returns the tokens of <see cref="Windows"/>.</summary>
    /// <inheritdoc cref="Windows"/>
    internal IEnumerable<int[]> Pieces(int longest, bool ends)
    {
        foreach ((long start, int length) in Windows(longest, ends))
        {
            int[] tokens = new int[length];
            Read(start, tokens);
            yield return tokens;
        }
    }

    /// <summary>Copies tokens, starting at <paramref name="position"/>.</summary>
    /// <returns>The number of tokens copied; fewer than requested only at the end of the file.</returns>
    /// <exception cref="AtelierException">The file holds an id outside the vocabulary: it was altered.</exception>
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
