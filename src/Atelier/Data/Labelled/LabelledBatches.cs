using Atelier.Data.Text;
using static TorchSharp.torch;

namespace Atelier.Data.Labelled;

/// <summary>
/// Gathers labelled sequences of similar length into batches with a bounded number of tokens. Each sequence is in one
/// batch of each epoch; a batch depends only on the seed and its number.
/// </summary>
internal sealed class LabelledBatches : IBatchSource<LabelledBatch>
{
    private readonly IReadOnlyList<LabelledSequence> _sequences;
    private readonly LengthBuckets _buckets;
    private readonly long _padId;

    /// <summary>Creates the source.</summary>
    /// <param name="sequences">The sequences; at least one.</param>
    /// <param name="padId">The padding token.</param>
    /// <param name="tokensPerBatch">The largest number of rows of a batch times the length of its longest sequence.
    /// </param>
    /// <param name="seed">The seed of the random order.</param>
    /// <param name="shuffled">Whether the order is random.</param>
    /// <exception cref="AtelierException">A sequence is longer than a batch.</exception>
    public LabelledBatches(IReadOnlyList<LabelledSequence> sequences, int padId, int tokensPerBatch, long seed,
        bool shuffled)
    {
        int most = sequences.Max(sequence => sequence.Tokens.Length);
        if (most > tokensPerBatch)
            throw new AtelierException($"a text has {most} tokens, but a batch has {tokensPerBatch}",
                "training.batchTokens", "use larger batches");
        (_sequences, _padId) = (sequences, padId);
        _buckets = new LengthBuckets([.. sequences.Select(sequence => (ulong)sequence.Tokens.Length << 32)],
            tokensPerBatch, seed, shuffled);
        long targets = sequences.Sum(sequence => (long)Counted(sequence));
        ItemsPerBatch = Math.Max(1, (targets + (BatchesPerEpoch / 2)) / BatchesPerEpoch);
    }

    /// <inheritdoc/>
    public long BatchesPerEpoch => _buckets.Count;

    /// <summary>The mean number of targets in a batch.</summary>
    public long ItemsPerBatch { get; }

    /// <summary>Returns the number of targets of a sequence that count.</summary>
    public static int Counted(LabelledSequence sequence) =>
        sequence.Targets.Length - sequence.Targets.AsSpan().Count(TextBatch.NotCounted);

    /// <inheritdoc/>
    public LabelledBatch Get(long number)
    {
        ReadOnlySpan<int> items = _buckets.Items(number);
        int rows = items.Length, time = 0, width = 0;
        foreach (int item in items)
            (time, width) = (Math.Max(time, _sequences[item].Tokens.Length),
                Math.Max(width, _sequences[item].Targets.Length));
        var inputs = new long[rows * time];
        var padding = new bool[inputs.Length];
        var targets = new long[rows * width];
        Array.Fill(inputs, _padId);
        Array.Fill(padding, true);
        Array.Fill(targets, TextBatch.NotCounted);
        for (int row = 0; row < rows; row++)
        {
            LabelledSequence sequence = _sequences[items[row]];
            for (int t = 0; t < sequence.Tokens.Length; t++)
                inputs[(row * time) + t] = sequence.Tokens[t];
            padding.AsSpan(row * time, sequence.Tokens.Length).Clear();
            sequence.Targets.CopyTo(targets, row * width);
        }
        return new LabelledBatch(tensor(inputs, rows, time),
            padding.AsSpan().Contains(true) ? tensor(padding, rows, time) : null, tensor(targets, rows, width));
    }
}
