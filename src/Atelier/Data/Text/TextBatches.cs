using static TorchSharp.torch;

namespace Atelier.Data.Text;

/// <summary>Cuts the tokens of a file into batches of rows.</summary>
/// <remarks>
/// Shuffled, a batch depends only on the seed and its number. Each row draws a position uniformly over the tokens and
/// begins there. If the document at that position is no longer than the context, the row begins at the document's
/// start instead, with the preceding end-of-text token as first input. So short documents are always seen from the
/// start, in proportion to their lengths.
/// Unshuffled, the rows cover the file in order, and each token is predicted once. A document that fits in the context
/// but would be cut by the end of a row moves to the next row, so that it is seen from its start here too; the unused
/// positions have the target <see cref="TextBatch.NotCounted"/>.
/// </remarks>
public sealed class TextBatches : IBatchSource<TextBatch>
{
    private readonly TokenFile _file;
    private readonly int _batchSize;
    private readonly int _contextLength;
    private readonly ulong _seed;
    private readonly bool _shuffled;
    private readonly List<(long Start, int Length)> _windows; // of the targets; empty if shuffled

    /// <summary>Creates the source. It reads the file as batches are requested, and does not dispose it.</summary>
    /// <param name="file">The token file.</param>
    /// <param name="batchSize">The number of rows per batch; at least 1.</param>
    /// <param name="contextLength">The number of tokens per row; at least 1. Unshuffled, a file with fewer tokens gives
    /// shorter rows.</param>
    /// <param name="seed">The seed of the random positions.</param>
    /// <param name="shuffled">Whether rows begin at random positions, or cover the file in order.</param>
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
    /// Whether documents end with an end-of-text token. Then reading continues from the end of the file to its start,
    /// as from one document to the next, and the first token is predicted too.
    /// </summary>
    private bool Joined => _file.EndOfTextId is not null;

    private long TargetCount => Joined ? _file.Count : _file.Count - 1;

    /// <summary>Returns the position of each row's first input, and the number of its targets that count.</summary>
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
    /// Draws the position of a row's first input; -1 stands for the end-of-text token before the first document.
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
    /// Reads a row that may begin before the first token of the file, and may continue past the last one, from the
    /// start.
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
