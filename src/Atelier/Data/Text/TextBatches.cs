using static TorchSharp.torch;

namespace Atelier.Data.Text;

/// <summary>
/// Rows of tokens from a file. Shuffled, a batch is a function of the seed and its number alone: each row draws a
/// position uniformly over the tokens, and begins there, or, where the document there is no longer than the context, at
/// that document's start, with the end of text before it as first input; so short documents are always seen from their
/// beginnings, in proportion to their lengths. Unshuffled, rows follow one another over the file and every token is
/// predicted once; a document that would fit the context but is cut by a row's end is left to the next row, so that
/// here too it is seen from its beginning, and the places it leaves have the target <see cref="TextBatch.NotCounted"/>.
/// </summary>
public sealed class TextBatches : IBatchSource<TextBatch>
{
    private readonly TokenFile _file;
    private readonly int _batchSize;
    private readonly int _contextLength;
    private readonly ulong _seed;
    private readonly bool _shuffled;
    private readonly List<(long Start, int Length)> _windows; // of the targets, unshuffled

    /// <summary>Makes the source. It reads the file while batches are taken, and does not own it.</summary>
    /// <param name="file">The token file.</param>
    /// <param name="batchSize">Rows in a batch; at least 1.</param>
    /// <param name="contextLength">Tokens in a row; at least 1. Unshuffled, a shorter file gives shorter rows.</param>
    /// <param name="seed">Of the positions drawn.</param>
    /// <param name="shuffled">Whether positions are drawn, or windows come in order.</param>
    /// <exception cref="AtelierException">The file has fewer than two tokens.</exception>
    public TextBatches(TokenFile file, int batchSize, int contextLength, long seed, bool shuffled)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(contextLength, 1);
        if (file.Count < 2)
            throw new AtelierException($"holds {file.Count} tokens, too few to train on or to evaluate", file.Path,
                "provide more text, or change data.split");
        _file = file;
        _batchSize = batchSize;
        _seed = (ulong)seed;
        _shuffled = shuffled;
        _contextLength = shuffled ? contextLength : (int)Math.Min(contextLength, TargetCount);
        _windows = shuffled ? [] : [.. Windows()];
        BatchesPerEpoch = shuffled ? Divide(file.Count, ItemsPerBatch) : Divide(_windows.Count, batchSize);
    }

    /// <inheritdoc/>
    public long BatchesPerEpoch { get; }

    /// <inheritdoc/>
    public long ItemsPerBatch => (long)_batchSize * _contextLength;

    /// <inheritdoc/>
    /// <remarks>Unshuffled, the last batch of an epoch may have fewer rows.</remarks>
    public TextBatch Get(long number)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        int first = _shuffled ? 0 : (int)(number % BatchesPerEpoch * _batchSize);
        int rows = _shuffled ? _batchSize : Math.Min(_batchSize, _windows.Count - first);
        var row = new int[_contextLength + 1];
        var inputs = new long[rows * _contextLength];
        var targets = new long[rows * _contextLength];
        for (int r = 0; r < rows; r++)
        {
            (long start, int counted) = _shuffled ? (Draw(number, r), _contextLength) : _windows[first + r];
            ReadRow(start, row);
            for (int t = 0; t < _contextLength; t++)
            {
                inputs[r * _contextLength + t] = row[t];
                targets[r * _contextLength + t] = t < counted ? row[t + 1] : TextBatch.NotCounted;
            }
        }
        return new TextBatch(tensor(inputs, rows, _contextLength), tensor(targets, rows, _contextLength));
    }

    /// <summary>
    /// Where ends of text stand between documents, the end of the file is followed by its beginning as one document is
    /// by the next, and the first token is predicted too. A part of a single document has no such joint.
    /// </summary>
    private bool Joined => _file.EndOfTextId is not null;

    private long TargetCount => Joined ? _file.Count : _file.Count - 1;

    /// <summary>The place of each row's first input, and how many of its targets count.</summary>
    private IEnumerable<(long Start, int Length)> Windows()
    {
        int lead = Joined ? 1 : 0; // the first input is the token before the first target
        for (long start = 0, end; start < TargetCount; start = end)
        {
            end = Math.Min(start + _contextLength, TargetCount);
            DocumentEntry cut = _file.Document(_file.DocumentAt(Math.Min(end, _file.Count - 1)));
            if (Joined && end < TargetCount && cut.Start > start && cut.Length <= _contextLength)
                end = cut.Start;
            yield return (start - lead, (int)(end - start));
        }
    }

    /// <summary>
    /// The position of the row's first input; -1 stands for the end of text before the first document.
    /// </summary>
    private long Draw(long number, int row)
    {
        ulong bits = SplitMix64.At(SplitMix64.At(_seed, (ulong)number), (ulong)row);
        long starts = Joined ? _file.Count : Math.Max(1, _file.Count - _contextLength);
        long position = (long)Math.BigMul(bits, (ulong)starts, out _);
        if (!Joined)
            return position;
        DocumentEntry document = _file.Document(_file.DocumentAt(position));
        return document.Length <= _contextLength ? document.Start - 1 : position;
    }

    /// <summary>
    /// Reads a row that may begin before the file's first token and go on past its last, round to the first.
    /// </summary>
    private void ReadRow(long position, Span<int> row)
    {
        position = (position + _file.Count) % _file.Count;
        while (!row.IsEmpty)
        {
            int read = _file.Read(position, row);
            row = row[read..];
            position = 0;
        }
    }

    private static long Divide(long a, long b) => (a + b - 1) / b;
}
