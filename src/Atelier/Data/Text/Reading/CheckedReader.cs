using System.Text;

namespace Atelier.Data.Text.Reading;

/// <summary>
/// Decodes a stream in blocks of bounded size, and reports the position of invalid bytes. Line ends of two characters
/// (\r\n) are replaced by \n.
/// </summary>
internal sealed class CheckedReader : IDisposable
{
    private const int BlockSize = 1 << 16;

    private readonly Stream _stream;
    private readonly string _where;
    private readonly Decoder _decoder;
    private readonly byte[] _bytes = new byte[BlockSize];
    private readonly char[] _characters = new char[BlockSize + 4];
    private long _offset;
    private bool _returnHeld;
    private bool _finished;

    public CheckedReader(Stream stream, TextEncoding encoding, string where)
    {
        _stream = stream;
        _where = where;
        Encoding = encoding;
        _decoder = encoding.Encoding.GetDecoder();
        _offset = stream.ReadAtLeast(_bytes.AsSpan(0, encoding.MarkLength), encoding.MarkLength,
            throwOnEndOfStream: false);
    }

    /// <summary>The encoding of the stream.</summary>
    public TextEncoding Encoding { get; }

    /// <summary>Opens a text file, and detects its encoding.</summary>
    /// <param name="source">The file, compressed or not.</param>
    /// <param name="name">The name of the file in the report.</param>
    /// <param name="report">Receives the encoding.</param>
    /// <param name="encodingName">The encoding that the recipe gives; null to detect it.</param>
    /// <exception cref="AtelierException">The file is missing, empty, or not text.</exception>
    public static CheckedReader Open(FileSource source, string name, ReadingReport report,
        string? encodingName = null)
    {
        TextEncoding encoding;
        using (Stream bytes = FileBytes.Open(source, report))
            encoding = encodingName is null ? TextEncoding.Detect(bytes, source.Name)
                : TextEncoding.Of(encodingName, bytes);
        report.Encodings[name] = encoding.Name;
        if (encoding.OrElse is { } other)
            report.Note($"{name} was read as {encoding.Name}, but might be {other}: "
                + $"set data.encoding to choose.");
        else if (encoding.Name != "UTF-8")
            report.Note($"Read text in {encoding.Name}.");
        return new CheckedReader(FileBytes.Open(source, report), encoding, source.Name);
    }

    /// <summary>
    /// Reads the next block of characters; empty at the end of the file. The span is valid until the next call.
    /// </summary>
    /// <exception cref="AtelierException">A byte is invalid in the encoding.</exception>
    public ReadOnlySpan<char> ReadBlock()
    {
        while (!_finished)
        {
            int read = _stream.ReadAtLeast(_bytes, BlockSize, throwOnEndOfStream: false);
            _finished = read < BlockSize;
            int first = 1; // index 0 is reserved for a carriage return held back from the previous block
            int count = Decode(_bytes.AsSpan(0, read), _characters.AsSpan(first));
            _offset += read;
            if (_returnHeld)
                _characters[--first] = '\r';
            ReadOnlySpan<char> block = Unify(_characters.AsSpan(first, count + 1 - first));
            if (!block.IsEmpty)
                return block;
        }
        return [];
    }

    /// <summary>Reads all remaining blocks.</summary>
    public IEnumerable<string> Blocks()
    {
        for (string block = ReadBlock().ToString(); block.Length > 0; block = ReadBlock().ToString())
            yield return block;
    }

    public void Dispose() => _stream.Dispose();

    private int Decode(ReadOnlySpan<byte> bytes, Span<char> characters)
    {
        try
        {
            return _decoder.GetChars(bytes, characters, flush: _finished);
        }
        catch (DecoderFallbackException e)
        {
            string what = string.Join(' ', (e.BytesUnknown ?? [])
                .Select(b => b.ToString("X2", System.Globalization.CultureInfo.InvariantCulture)));
            throw new AtelierException(
                $"bytes {what} at byte {Math.Max(0, _offset + e.Index)} are not valid {Encoding.Name}", _where,
                $"correct the file, convert it to UTF-8, or set {Mention.Field("data.encoding")}", e);
        }
    }

    private ReadOnlySpan<char> Unify(Span<char> block)
    {
        _returnHeld = !_finished && block.Length > 0 && block[^1] == '\r';
        if (_returnHeld)
            block = block[..^1];
        if (block.IndexOf('\r') < 0)
            return block;
        int kept = 0;
        for (int i = 0; i < block.Length; i++)
        {
            if (block[i] != '\r')
                block[kept++] = block[i];
            else if (i + 1 == block.Length || block[i + 1] != '\n')
                block[kept++] = '\n'; // a line end of older systems
        }
        return block[..kept];
    }
}
