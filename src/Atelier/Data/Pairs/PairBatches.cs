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
    private readonly ulong _seed;
    private readonly bool _shuffled;
    private readonly ulong[] _lengths; // of each pair, as a key to sort by
    private readonly List<int> _starts = []; // of the batches in the sorted order, and its end
    private readonly int[] _pairs, _batches; // the order of pairs, and of batches, in the current epoch
    private long _epoch = -1;

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
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(tokensPerBatch, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(longest, 2);
        if (file.Count == 0)
            throw new AtelierException("holds no pairs to train on or to evaluate", file.Path,
                "provide more pairs, or change data.split");
        (_file, _ends, _longest, _seed, _shuffled) = (file, ends, longest, (ulong)seed, shuffled);
        _pairs = new int[file.Count];
        _lengths = new ulong[file.Count];
        long targets = 0;
        for (int i = 0; i < file.Count; i++)
        {
            (int source, int target) = (SourceLength(i), TargetLength(i));
            targets += target;
            int length = Math.Max(source, target);
            uint difference = (uint)(source - target + _longest);
            _lengths[i] = ((ulong)length << 32) | (length % 2 == 0 ? difference : uint.MaxValue - difference);
        }
        int most = (int)(_lengths.Max() >> 32);
        if (most > tokensPerBatch)
            throw new AtelierException($"holds a pair of {most} tokens, but a batch has {tokensPerBatch}", file.Path,
                "use larger batches, or leave long pairs out with data.pairs.maxLength");
        SortPairs(epoch: 0);
        for (int i = 0; i < _pairs.Length; i++)
        {
            if (i == 0 || (i + 1 - _starts[^1]) * (long)(_lengths[_pairs[i]] >> 32) > tokensPerBatch)
                _starts.Add(i);
        }
        _batches = [.. Enumerable.Range(0, _starts.Count)];
        _starts.Add(_pairs.Length);
        BatchesPerEpoch = _batches.Length;
        ItemsPerBatch = Math.Max(1, (targets + BatchesPerEpoch / 2) / BatchesPerEpoch);
    }

    /// <inheritdoc/>
    public long BatchesPerEpoch { get; }

    /// <summary>The mean number of target tokens in a batch, including end tokens.</summary>
    public long ItemsPerBatch { get; }

    /// <inheritdoc/>
    public PairBatch Get(long number)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        Begin(_shuffled ? number / BatchesPerEpoch : 0);
        int batch = _batches[number % BatchesPerEpoch];
        ReadOnlySpan<int> pairs = _pairs.AsSpan(_starts[batch].._starts[batch + 1]);
        int rows = pairs.Length, span = 0, time = 0;
        foreach (int pair in pairs)
            (span, time) = (Math.Max(span, SourceLength(pair)), Math.Max(time, TargetLength(pair)));
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
            int read = SourceLength(pairs[row]), written = TargetLength(pairs[row]);
            Span<long> sources = source.AsSpan(row * span, read);
            Copy(_file.Source(pairs[row]).Span, sources);
            if (_ends.EndsSource)
                sources[^1] = _ends.SourceEndId;
            padding.AsSpan(row * span, read).Clear();
            ReadOnlySpan<int> target = _file.Target(pairs[row]).Span;
            Span<long> next = targets.AsSpan(row * time, written);
            next[^1] = _ends.EndId; // unless the target is cut
            Copy(target, next);
            inputs[row * time] = _ends.StartId;
            Copy(target, inputs.AsSpan(row * time + 1, written - 1));
        }
        return new PairBatch(tensor(source, rows, span), tensor(padding, rows, span), tensor(inputs, rows, time),
            tensor(targets, rows, time));
    }

    private int SourceLength(int pair) =>
        Math.Min(_longest, _file.SourceLength(pair) + (_ends.EndsSource ? 1 : 0));

    private int TargetLength(int pair) => Math.Min(_longest, _file.TargetLength(pair) + 1);

    private void Begin(long epoch)
    {
        if (_epoch == epoch)
            return;
        SortPairs(epoch);
        if (_shuffled)
        {
            var draws = new ulong[_batches.Length];
            for (int i = 0; i < draws.Length; i++)
                (draws[i], _batches[i]) = (Draw(epoch, _pairs.Length + (long)i), i);
            Array.Sort(draws, _batches);
        }
        _epoch = epoch;
    }

    /// <summary>Sorts the pairs by their lengths, and pairs of equal lengths at random or by index.</summary>
    private void SortPairs(long epoch)
    {
        var keys = new UInt128[_pairs.Length];
        for (int i = 0; i < keys.Length; i++)
            (keys[i], _pairs[i]) = (new UInt128(_lengths[i], _shuffled ? Draw(epoch, i) : (ulong)i), i);
        Array.Sort(keys, _pairs);
    }

    private ulong Draw(long epoch, long index) =>
        SplitMix64.At(SplitMix64.At(_seed, (ulong)epoch), (ulong)index);

    /// <summary>Copies as many tokens as there is room for.</summary>
    private static void Copy(ReadOnlySpan<int> tokens, Span<long> room)
    {
        int count = Math.Min(tokens.Length, room.Length);
        for (int i = 0; i < count; i++)
            room[i] = tokens[i];
    }
}
