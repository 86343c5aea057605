using Atelier.Data.Text;
using static TorchSharp.torch;

namespace Atelier.Data.Conversations;

/// <summary>
/// Batches of conversations, in which only the tokens of answers are predicted. A row holds one sequence, or as many as
/// fit.
/// </summary>
/// <remarks>
/// Sequences are assigned to rows once. Shuffled, each epoch has its own order of rows; unshuffled, all epochs are
/// equal. Rows of a batch are as long as the longest of them.
/// </remarks>
public sealed class ConversationBatches : IBatchSource<TextBatch>
{
    private readonly ConversationPart _part;
    private readonly List<List<int>> _rows;
    private readonly EpochOrder _order;

    /// <summary>Creates the source.</summary>
    /// <param name="part">The conversations; at least one.</param>
    /// <param name="batchSize">The number of rows in a batch; at least 1.</param>
    /// <param name="maxLength">The largest number of tokens of a row; longer sequences are cut.</param>
    /// <param name="isPacked">Whether a row holds as many sequences as fit.</param>
    /// <param name="seed">The seed of the order.</param>
    /// <param name="shuffled">Whether the order is random.</param>
    public ConversationBatches(ConversationPart part, int batchSize, int maxLength, bool isPacked, long seed,
        bool shuffled)
    {
        _part = part;
        MaxLength = maxLength;
        int[] sequences = [.. Enumerable.Range(0, part.Count)];
        if (shuffled)
        {
            ulong stream = SplitMix64.At((ulong)seed, 5); // not the numbers of the split and of the order of rows
            sequences = [.. sequences.OrderBy(i => SplitMix64.At(stream, (ulong)i))];
        }
        _rows = isPacked
            ? [.. SequencePacking.BestFit([.. sequences.Select(LengthOf)], maxLength)
                .Select(row => row.ConvertAll(place => sequences[place]))]
            : [.. sequences.Select(i => new List<int> { i })];
        _order = new EpochOrder(_rows.Count, batchSize, (ulong)seed, shuffled);
        ItemsPerBatch = Math.Max(1, _rows.Sum(row => row.Sum(LengthOf)) * (long)_order.BatchSize / _rows.Count);
    }

    /// <inheritdoc/>
    public long BatchesPerEpoch => _order.BatchesPerEpoch;

    /// <inheritdoc/>
    /// <remarks>The mean number of tokens in a batch, without padding.</remarks>
    public long ItemsPerBatch { get; }

    /// <summary>The largest number of tokens of a row.</summary>
    internal int MaxLength { get; }

    /// <inheritdoc/>
    public TextBatch Get(long number)
    {
        List<int>[] rows = [.. _order.Places(number).Select(place => _rows[place])];
        int time = rows.Max(row => row.Sum(LengthOf));
        long[] inputs = new long[rows.Length * time], targets = new long[inputs.Length];
        long[] positions = new long[inputs.Length];
        Array.Fill(targets, TextBatch.NotCounted);
        Array.Fill(positions, -1);
        foreach ((int r, List<int> row) in rows.Index())
        {
            int at = r * time;
            foreach (int sequence in row)
            {
                int[] ids = _part.Ids(sequence);
                bool[] answers = _part.Answers(sequence);
                for (int t = 0; t < LengthOf(sequence); t++, at++)
                {
                    (inputs[at], positions[at]) = (ids[t], t);
                    if (answers[t + 1])
                        targets[at] = ids[t + 1];
                }
            }
        }
        bool isPlain = Array.TrueForAll(rows, row => row.Count == 1); // padding at an end changes nothing before it
        return new TextBatch(tensor(inputs, rows.Length, time), tensor(targets, rows.Length, time),
            isPlain ? null : tensor(positions, rows.Length, time));
    }

    /// <summary>The number of tokens of a sequence in a row: all but the last, which is only predicted.</summary>
    private int LengthOf(int sequence) => Math.Min(_part.LengthOf(sequence) - 1, MaxLength);
}
