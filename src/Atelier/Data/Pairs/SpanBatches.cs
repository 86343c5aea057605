using Atelier.Data.Text;
using static TorchSharp.torch;

namespace Atelier.Data.Pairs;

/// <summary>
/// Batches for learning from text by span corruption: each row is the source and the target of a stretch of a document.
/// </summary>
/// <remarks>
/// Shuffled, a batch depends only on the seed and its number. Each row draws a position uniformly over the tokens, and
/// is the document there; of a longer document, as many tokens as fit from that position on. Unshuffled, the rows cover
/// the documents in order, and are the same in each pass.
/// </remarks>
public sealed class SpanBatches : IBatchSource<PairBatch>
{
    private readonly TokenFile _file;
    private readonly SpanCorruption _corruption;
    private readonly SequenceEnds _ends;
    private readonly int _batchSize, _longest;
    private readonly ulong _seed;
    private readonly bool _shuffled;
    private readonly List<(long Start, int Length)> _windows; // empty if shuffled

    /// <summary>Creates the source. It reads the file as batches are requested, and does not dispose it.</summary>
    /// <param name="file">The token file.</param>
    /// <param name="corruption">Makes a source and a target of a text.</param>
    /// <param name="ends">The special tokens to add.</param>
    /// <param name="batchSize">The number of rows per batch; at least 1.</param>
    /// <param name="contextLength">The largest number of tokens of a source and of a target, with special tokens; at
    /// least 4.</param>
    /// <param name="seed">The seed of the positions and spans.</param>
    /// <param name="shuffled">Whether rows begin at random positions, or cover the file in order.</param>
    /// <exception cref="AtelierException">The file has fewer than two tokens.</exception>
    public SpanBatches(TokenFile file, SpanCorruption corruption, SequenceEnds ends, int batchSize, int contextLength,
        long seed, bool shuffled)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        if (file.Count < 2)
            throw new AtelierException($"holds {file.Count} tokens, too few to train on or to evaluate", file.Path,
                "provide more text, or change data.split");
        (_file, _corruption, _ends, _batchSize, _shuffled) = (file, corruption, ends, batchSize, shuffled);
        _seed = (ulong)seed;
        _longest = corruption.LongestText(contextLength);
        _windows = shuffled ? [] : [.. file.Windows(_longest, ends: false)];
        BatchesPerEpoch = shuffled ? Divide(file.Count, (long)batchSize * _longest) : Divide(_windows.Count, batchSize);
        (int removed, int spans) = corruption.Counts(_longest);
        ItemsPerBatch = (long)batchSize * (removed + spans + 2);
    }

    /// <inheritdoc/>
    public long BatchesPerEpoch { get; }

    /// <summary>The largest number of target tokens in a batch, including sentinels and end tokens.</summary>
    public long ItemsPerBatch { get; }

    /// <inheritdoc/>
    /// <remarks>Unshuffled, the last batch of an epoch may have fewer rows.</remarks>
    public PairBatch Get(long number)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        if (!_shuffled)
            number %= BatchesPerEpoch;
        int first = _shuffled ? 0 : (int)(number * _batchSize);
        ulong seed = SplitMix64.At(_seed, (ulong)number);
        var pairs = new (int[] Source, int[] Target)[_shuffled ? _batchSize
            : Math.Min(_batchSize, _windows.Count - first)];
        for (int row = 0; row < pairs.Length; row++)
        {
            var random = new SplitMix64(SplitMix64.At(seed, (ulong)row));
            (long start, int length) = _shuffled ? Draw(ref random) : _windows[first + row];
            int[] tokens = new int[length];
            _file.Read(start, tokens);
            pairs[row] = _corruption.Apply(tokens, ref random);
        }
        return BatchOf(pairs);
    }

    private (long Start, int Length) Draw(ref SplitMix64 random)
    {
        long position = random.Next(_file.Count);
        DocumentEntry document = _file.Document(_file.DocumentAt(position));
        // a document without text is its end token
        long length = Math.Max(1, document.Length - (_file.EndOfTextId is null ? 0 : 1));
        return length <= _longest ? (document.Start, (int)length)
            : (Math.Min(position, document.Start + length - _longest), _longest);
    }

    private PairBatch BatchOf((int[] Source, int[] Target)[] pairs)
    {
        int rows = pairs.Length, lead = _ends.EndsSource ? 1 : 0;
        int span = pairs.Max(pair => pair.Source.Length) + lead, time = pairs.Max(pair => pair.Target.Length) + 1;
        long[] source = new long[rows * span], inputs = new long[rows * time], targets = new long[rows * time];
        bool[] padding = new bool[rows * span];
        Array.Fill(source, _ends.SourcePadId);
        Array.Fill(padding, true);
        Array.Fill(inputs, _ends.PadId);
        Array.Fill(targets, TextBatch.NotCounted);
        foreach ((int row, (int[] read, int[] written)) in pairs.Index())
        {
            Array.Copy(read, 0, source, row * span, read.Length);
            if (_ends.EndsSource)
                source[(row * span) + read.Length] = _ends.SourceEndId;
            padding.AsSpan(row * span, read.Length + lead).Clear();
            inputs[row * time] = _ends.StartId;
            Array.Copy(written, 0, inputs, (row * time) + 1, written.Length);
            Array.Copy(written, 0, targets, row * time, written.Length);
            targets[(row * time) + written.Length] = _ends.EndId;
        }
        return new PairBatch(tensor(source, rows, span), tensor(padding, rows, span), tensor(inputs, rows, time),
            tensor(targets, rows, time));
    }

    private static long Divide(long a, long b) => (a + b - 1) / b;
}
