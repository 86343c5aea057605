using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Atelier.Data.Text.Reading;
using Atelier.Formats;

namespace Atelier.Data.Text;

/// <summary>
/// Stores cleaned documents in a temporary file, so that they can be read again in any order. In memory it keeps only a
/// position, a size and a hash per document.
/// </summary>
internal sealed class DocumentSpool : IDisposable
{
    private readonly string _path;
    private readonly FileStream _file;
    private readonly List<long> _places = [];
    private readonly List<ulong> _contents = [];
    private readonly List<long> _sizes = [];
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long _begin, _counted; // the position of the current document, and the characters before it
    private bool _empty = true;

    /// <summary>
    /// Creates an empty spool at <paramref name="path"/>. The file is deleted when the spool is disposed.
    /// </summary>
    /// <exception cref="AtelierException">The file or folder cannot be written.</exception>
    public DocumentSpool(string path)
    {
        _path = path;
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            _file = new FileStream(path, FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1 << 18,
                FileOptions.DeleteOnClose);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(e);
        }
    }

    /// <summary>The number of documents.</summary>
    public int Count => _places.Count;

    /// <summary>A 64-bit hash of the content of each document.</summary>
    public ReadOnlySpan<ulong> Contents => CollectionsMarshal.AsSpan(_contents);

    /// <summary>The number of Unicode scalar values in each document.</summary>
    public ReadOnlySpan<long> Sizes => CollectionsMarshal.AsSpan(_sizes);

    /// <summary>The number of Unicode scalar values in all documents.</summary>
    public long Characters { get; private set; }

    /// <summary>Adds a piece of the current document. A document without characters is left out.</summary>
    /// <param name="text">The text of the piece.</param>
    /// <param name="ends">Whether the document ends with this piece.</param>
    /// <exception cref="AtelierException">The disk is full.</exception>
    public void Add(string text, bool ends)
    {
        try
        {
            if (text.Length > 0)
            {
                ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(text.AsSpan());
                WriteLength(text.Length);
                _file.Write(bytes);
                _hash.AppendData(bytes);
                Characters += TextCount.Scalars(text);
                _empty = false;
            }
            if (!ends || _empty)
                return;
            WriteLength(0);
        }
        catch (IOException e)
        {
            throw Unwritable(e);
        }
        _places.Add(_begin);
        _contents.Add(MemoryMarshal.Read<ulong>(_hash.GetHashAndReset()));
        _sizes.Add(Characters - _counted);
        (_begin, _counted) = (_file.Position, Characters);
        _empty = true;
    }

    /// <summary>Returns the pieces of a document.</summary>
    public IEnumerable<DocumentPiece> Read(int document)
    {
        _file.Position = _places[document];
        int length = ReadLength();
        for (bool begins = true; length > 0; begins = false)
        {
            string text = string.Create(length, _file,
                static (characters, file) => file.ReadExactly(MemoryMarshal.AsBytes(characters)));
            length = ReadLength();
            yield return new(text, begins, length == 0);
        }
    }

    public void Dispose()
    {
        _file.Dispose();
        _hash.Dispose();
    }

    private void WriteLength(int length) => _file.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<int>(in length)));

    private int ReadLength()
    {
        int length = 0;
        _file.ReadExactly(MemoryMarshal.AsBytes(new Span<int>(ref length)));
        return length;
    }

    private AtelierException Unwritable(Exception e) => FileFault.At(e, _path);
}
