using Atelier.Abstractions;

namespace Atelier.Generation;

/// <summary>Scores tokens with a masked language model.</summary>
public static class MaskedScoring
{
    private const long LogitsAtOnce = 1 << 23; // the most logits to keep in memory: 32 MiB

    /// <summary>
    /// Scores the tokens at the positions of each sequence given its other tokens: those at its positions are masked
    /// together.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="sequences">The sequences with their true tokens.</param>
    /// <param name="maskId">The mask token.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <returns>For each sequence the scores at its positions.</returns>
    public static IReadOnlyList<TokenScore[]> Score(this IMaskedLanguageModel model,
        IReadOnlyList<MaskedSequence> sequences, int maskId, CancellationToken cancellation = default)
    {
        var scores = new TokenScore[sequences.Count][];
        model.PredictEach([.. sequences.Select(one => Masked(one, maskId))],
            (i, logits) => scores[i] = Scores(sequences[i], logits, model.VocabularySize), cancellation);
        return scores;
    }

    /// <summary>
    /// Computes the logits of each sequence, as <see cref="IMaskedLanguageModel.Predict"/> does, of as many sequences
    /// at once as fit in memory.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="sequences">The sequences.</param>
    /// <param name="read">Receives the index of a sequence and its logits.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    internal static void PredictEach(this IMaskedLanguageModel model, MaskedSequence[] sequences,
        Action<int, float[]> read, CancellationToken cancellation)
    {
        for (int first = 0, next = 0; first < sequences.Length; first = next)
        {
            cancellation.ThrowIfCancellationRequested();
            for (long logits = 0; next < sequences.Length; next++)
            {
                logits += (long)sequences[next].Positions.Length * model.VocabularySize;
                if (next > first && logits > LogitsAtOnce)
                    break;
            }
            IReadOnlyList<float[]> predicted = model.Predict(sequences[first..next], cancellation);
            for (int i = 0; i < predicted.Count; i++)
                read(first + i, predicted[i]);
        }
    }

    private static MaskedSequence Masked(MaskedSequence sequence, int maskId)
    {
        int[] tokens = sequence.Tokens.ToArray();
        foreach (int position in sequence.Positions.Span)
            tokens[position] = maskId;
        return sequence with { Tokens = tokens };
    }

    private static TokenScore[] Scores(MaskedSequence sequence, ReadOnlySpan<float> logits, int vocabulary)
    {
        var scores = new TokenScore[sequence.Positions.Length];
        for (int i = 0; i < scores.Length; i++)
        {
            ReadOnlySpan<float> row = logits.Slice(i * vocabulary, vocabulary);
            int id = sequence.Tokens.Span[sequence.Positions.Span[i]];
            scores[i] = new TokenScore(Math.Min(0, Logits.LogProbability(row, id)), Logits.ArgMax(row) == id);
        }
        return scores;
    }
}
