using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Atelier.Data.Text.Reading;
using Atelier.Formats;

namespace Atelier.Data.Text;

/// <summary>
/// Documents as they were read and cleaned, on disk, so that each can be taken again in any order. In memory it keeps a
/// place, a size and a hash a document.
/// </summary>
internal sealed class DocumentSpool : IDisposable
{
    private readonly string _path;
    private readonly FileStream _file;
    private readonly List<long> _places = [];
    private readonly List<ulong> _contents = [];
    private readonly List<long> _sizes = [];
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long _begin, _counted; // of the document at hand: its place, the characters before it
    private bool _empty = true;

    /// <summary>Makes an empty spool at <paramref name="path"/>; the file goes when the spool is disposed.</summary>
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

    /// <summary>Documents in it.</summary>
    public int Count => _places.Count;

    /// <summary>A hash of each document's content.</summary>
    public ReadOnlySpan<ulong> Contents => CollectionsMarshal.AsSpan(_contents);

    /// <summary>The Unicode scalar values of each document.</summary>
    public ReadOnlySpan<long> Sizes => CollectionsMarshal.AsSpan(_sizes);

    /// <summary>Unicode scalar values in all.</summary>
    public long Characters { get; private set; }

    /// <summary>Adds a piece; a document ends with its last one. A document without characters is left out.</summary>
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

    /// <summary>The pieces of a document.</summary>
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
