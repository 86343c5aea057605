using Atelier.Data.Text;
using static TorchSharp.torch;

namespace Atelier.Data.Pairs;

/// <summary>
/// Gathers pairs of similar length into batches with a bounded number of tokens. Each pair is in one batch of each
/// epoch.
/// </summary>
/// <remarks>
/// The pairs are sorted by the length of the longer side, and within that by the difference of the two lengths, once
/// ascending and once descending, so that neighbours have similar lengths on both sides. A batch takes as many
/// neighbours as its number of tokens allows. Shuffled, pairs of equal lengths are in a new random order in each epoch,
/// and so are the batches; a batch depends only on the seed and its number. Unshuffled, all epochs are equal.
/// </remarks>
public sealed class PairBatches : IBatchSource<PairBatch>
{
    private readonly PairFile _file;
    private readonly SequenceEnds _ends;
    private readonly int _longest;
    private readonly LengthBuckets _buckets;
    private readonly PairSegmentation? _segmentation;

    /// <summary>Creates the source. It reads the file as batches are requested, and does not dispose it.</summary>
    /// <param name="file">The pairs.</param>
    /// <param name="ends">The special tokens to add.</param>
    /// <param name="tokensPerBatch">The largest number of rows of a batch times the length of its longest sequence,
    /// including special tokens and padding; at least 1.</param>
    /// <param name="longest">The largest number of positions of a sequence, including special tokens; at least 2.
    /// Longer sources and targets are cut.</param>
    /// <param name="seed">The seed of the random order.</param>
    /// <param name="shuffled">Whether the order is random.</param>
    /// <exception cref="AtelierException">There are no pairs, or a pair is longer than a batch.</exception>
    public PairBatches(PairFile file, SequenceEnds ends, int tokensPerBatch, int longest, long seed, bool shuffled)
        : this(file, ends, tokensPerBatch, longest, seed, shuffled, segmentation: null)
    {
    }

    /// <summary>
    /// Creates the source with random segmentations. Pairs are assigned to batches by the lengths that they have in the
    /// file, so that batches hold somewhat more tokens than <paramref name="tokensPerBatch"/>.
    /// </summary>
    internal PairBatches(PairFile file, SequenceEnds ends, int tokensPerBatch, int longest, long seed, bool shuffled,
        PairSegmentation? segmentation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(tokensPerBatch, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(longest, 2);
        if (file.Count == 0)
            throw new AtelierException("holds no pairs to train on or to evaluate", file.Path,
                "provide more pairs, or change data.split");
        (_file, _ends, _longest, _segmentation) = (file, ends, longest, segmentation);
        var lengths = new ulong[file.Count];
        long targets = 0;
        for (int i = 0; i < file.Count; i++)
        {
            (int source, int target) = (SourceLength(file.SourceLength(i)), TargetLength(file.TargetLength(i)));
            targets += target;
            int length = Math.Max(source, target);
            uint difference = (uint)(source - target + _longest);
            lengths[i] = ((ulong)length << 32) | (length % 2 == 0 ? difference : uint.MaxValue - difference);
        }
        int most = (int)(lengths.Max() >> 32);
        if (most > tokensPerBatch)
            throw new AtelierException($"holds a pair of {most} tokens, but a batch has {tokensPerBatch}", file.Path,
                "use larger batches, or leave long pairs out with data.pairs.maxLength");
        _buckets = new LengthBuckets(lengths, tokensPerBatch, seed, shuffled);
        ItemsPerBatch = Math.Max(1, (targets + BatchesPerEpoch / 2) / BatchesPerEpoch);
    }

    /// <inheritdoc/>
    public long BatchesPerEpoch => _buckets.Count;

    /// <summary>The mean number of target tokens in a batch, including end tokens.</summary>
    public long ItemsPerBatch { get; }

    /// <inheritdoc/>
    public PairBatch Get(long number)
    {
        ReadOnlySpan<int> pairs = _buckets.Items(number);
        int rows = pairs.Length;
        var tokens = new (ReadOnlyMemory<int> Source, ReadOnlyMemory<int> Target)[rows];
        for (int row = 0; row < rows; row++)
            tokens[row] = Tokens(pairs[row], number / BatchesPerEpoch);
        (int span, int time) = (tokens.Max(p => SourceLength(p.Source.Length)),
            tokens.Max(p => TargetLength(p.Target.Length)));
        var source = new long[rows * span];
        var padding = new bool[rows * span];
        var inputs = new long[rows * time];
        var targets = new long[rows * time];
        Array.Fill(source, _ends.SourcePadId);
        Array.Fill(padding, true);
        Array.Fill(inputs, _ends.PadId);
        Array.Fill(targets, TextBatch.NotCounted);
        for (int row = 0; row < rows; row++)
        {
            ReadOnlySpan<int> given = tokens[row].Source.Span, target = tokens[row].Target.Span;
            int read = SourceLength(given.Length), written = TargetLength(target.Length);
            Span<long> sources = source.AsSpan(row * span, read);
            Copy(given, sources);
            if (_ends.EndsSource)
                sources[^1] = _ends.SourceEndId;
            padding.AsSpan(row * span, read).Clear();
            Span<long> next = targets.AsSpan(row * time, written);
            next[^1] = _ends.EndId; // unless the target is cut
            Copy(target, next);
            inputs[row * time] = _ends.StartId;
            Copy(target, inputs.AsSpan(row * time + 1, written - 1));
        }
        return new PairBatch(tensor(source, rows, span), tensor(padding, rows, span), tensor(inputs, rows, time),
            tensor(targets, rows, time));
    }

    private (ReadOnlyMemory<int> Source, ReadOnlyMemory<int> Target) Tokens(int pair, long epoch) =>
        _segmentation?.Encode(_file[pair], epoch, pair) is { } encoded ? (encoded.Source, encoded.Target)
            : (_file.Source(pair), _file.Target(pair));

    /// <summary>The positions of a source of so many tokens.</summary>
    private int SourceLength(int tokens) => Math.Min(_longest, tokens + (_ends.EndsSource ? 1 : 0));

    /// <summary>The positions of a target of so many tokens.</summary>
    private int TargetLength(int tokens) => Math.Min(_longest, tokens + 1);

    /// <summary>Copies as many tokens as there is room for.</summary>
    private static void Copy(ReadOnlySpan<int> tokens, Span<long> room)
    {
        int count = Math.Min(tokens.Length, room.Length);
        for (int i = 0; i < count; i++)
            room[i] = tokens[i];
    }
}
