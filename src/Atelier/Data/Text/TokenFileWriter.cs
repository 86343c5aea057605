using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Atelier.Formats;

namespace Atelier.Data.Text;

/// <summary>
/// Writes a token file document by document, completely or not at all. Its memory does not grow with the corpus.
/// </summary>
public sealed class TokenFileWriter
{
    private readonly Stream _stream;
    private readonly Stream _index;
    private readonly IncrementalHash _hash;
    private readonly TokenFileHeader _empty;
    private DocumentEntry _document;
    private DocumentEntry _total;
    private long _documentCount;

    private TokenFileWriter(Stream stream, Stream index, IncrementalHash hash, TokenFileHeader empty)
    {
        _stream = stream;
        _index = index;
        _hash = hash;
        _empty = empty;
    }

    /// <summary>
    /// Creates the file <paramref name="path"/> with the tokens that <paramref name="write"/> adds. If that fails, an
    /// existing file is left unchanged.
    /// </summary>
    /// <param name="path">The file to write.</param>
    /// <param name="vocabularySize">The number of token ids. Up to 65,536 an id takes two bytes, above that
    /// four.</param>
    /// <param name="endOfTextId">The token that ends each document; null if documents have no end token.</param>
    /// <param name="write">Adds the tokens of each document and ends it.</param>
    /// <exception cref="AtelierException">The disk is full, or the path cannot be written.</exception>
    public static void Write(string path, int vocabularySize, int? endOfTextId, Action<TokenFileWriter> write)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(vocabularySize, 1);
        AtomicFile.Write(path, stream =>
        {
            // The index is the last part of the file: until the tokens are complete it is kept in a file of its own.
            using var index = new FileStream(path + ".index.partial", FileMode.Create, FileAccess.ReadWrite,
                FileShare.None, 1 << 16, FileOptions.DeleteOnClose);
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var empty = new TokenFileHeader(vocabularySize, endOfTextId ?? -1, 0, 0, 0, 0, new byte[32]);
            empty.Write(stream);
            var writer = new TokenFileWriter(stream, index, hash, empty);
            write(writer);
            writer.Finish();
        });
    }

    /// <summary>Adds tokens to the current document.</summary>
    /// <param name="ids">The tokens.</param>
    /// <param name="characters">The number of Unicode scalar values in their text.</param>
    /// <param name="bytes">The number of bytes of their text in UTF-8.</param>
    public void Add(ReadOnlySpan<int> ids, long characters, long bytes)
    {
        Span<ushort> narrow = stackalloc ushort[256];
        for (int done = 0; done < ids.Length;)
        {
            ReadOnlySpan<int> some = ids[done..Math.Min(ids.Length, done + narrow.Length)];
            foreach (int id in some)
                ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)id, (uint)_empty.VocabularySize,
                    nameof(ids));
            if (_empty.Width == 2)
            {
                for (int i = 0; i < some.Length; i++)
                    narrow[i] = (ushort)some[i];
                _stream.Write(MemoryMarshal.AsBytes(narrow[..some.Length]));
            }
            else
            {
                _stream.Write(MemoryMarshal.AsBytes(some));
            }
            done += some.Length;
        }
        _document = new(_document.Start, _document.Length + ids.Length, _document.Characters + characters,
            _document.Bytes + bytes);
    }

    /// <summary>
    /// Ends the current document, and adds the end-of-text token if the file has one. A document without tokens is
    /// left out.
    /// </summary>
    public void EndDocument()
    {
        if (_document.Length == 0)
            return;
        if (_empty.EndOfTextId >= 0)
            Add([_empty.EndOfTextId], 1, 1);
        ReadOnlySpan<byte> entry = MemoryMarshal.AsBytes(new ReadOnlySpan<DocumentEntry>(in _document));
        _index.Write(entry);
        _hash.AppendData(entry);
        long end = _document.Start + _document.Length;
        _total = new(0, end, _total.Characters + _document.Characters, _total.Bytes + _document.Bytes);
        _document = new(end, 0, 0, 0);
        _documentCount++;
    }

    private void Finish()
    {
        EndDocument();
        TokenFileHeader header = _empty with
        {
            Count = _total.Length,
            DocumentCount = _documentCount,
            Characters = _total.Characters,
            Bytes = _total.Bytes,
            IndexHash = _hash.GetHashAndReset(),
        };
        _stream.Write(new byte[header.IndexOffset - _stream.Position]);
        _index.Position = 0;
        _index.CopyTo(_stream);
        _stream.Position = 0;
        header.Write(_stream);
    }
}
