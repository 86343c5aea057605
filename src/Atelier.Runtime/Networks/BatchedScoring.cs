using Atelier.Abstractions;
using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>Scores the tokens of given sequences with a model that reads many sequences in one step.</summary>
internal static unsafe class BatchedScoring
{
    private const int LogitsAtOnce = 1 << 22; // 16 MiB
    private const int TokensAtOnce = 256;

    /// <inheritdoc cref="IBatchedLanguageModel.Append"/>
    public delegate void Step(ReadOnlySpan<SequenceInput> inputs, Span<float> logits);

    /// <inheritdoc cref="ILanguageModel.Score"/>
    public static IReadOnlyList<TokenScore[]> Score(IBatchedLanguageModel model,
        IReadOnlyList<ReadOnlyMemory<int>> sequences, KernelPath path, CancellationToken cancellation = default) =>
        Score(model, model.Append, sequences, path, cancellation);

    /// <inheritdoc cref="ILanguageModel.Score"/>
    /// <param name="model">The model that makes the sequences.</param>
    /// <param name="step">Reads tokens into its sequences.</param>
    /// <param name="sequences">The sequences.</param>
    /// <param name="path">The kernels.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    public static IReadOnlyList<TokenScore[]> Score(IBatchedLanguageModel model, Step step,
        IReadOnlyList<ReadOnlyMemory<int>> sequences, KernelPath path, CancellationToken cancellation)
    {
        foreach (ReadOnlyMemory<int> sequence in sequences)
        {
            if (sequence.Length == 0 || sequence.Length - 1 > model.ContextLength)
                throw new ArgumentException(
                    $"a sequence has {sequence.Length} tokens, but 1 to {model.ContextLength + 1L} can be scored",
                    nameof(sequences));
        }
        int vocabulary = model.VocabularySize, atOnce = Math.Clamp(LogitsAtOnce / vocabulary, 1, TokensAtOnce);
        var scores = new TokenScore[sequences.Count][];
        float[] logits = new float[atOnce * vocabulary];
        var inputs = new List<SequenceInput>();
        var places = new List<(int Sequence, int Start, int Count)>();
        int held = 0;
        for (int i = 0; i < scores.Length; i++)
        {
            scores[i] = new TokenScore[sequences[i].Length - 1];
            IDecodingSequence state = model.CreateSequence();
            for (int start = 0; start < scores[i].Length;)
            {
                int count = Math.Min(scores[i].Length - start, atOnce - held);
                inputs.Add(new SequenceInput(state, sequences[i].Slice(start, count), AllLogits: true));
                places.Add((i, start, count));
                held += count;
                start += count;
                if (held == atOnce)
                    Flush(isWhole: start == scores[i].Length);
            }
            if (scores[i].Length == 0)
                state.Dispose();
        }
        if (held > 0)
            Flush(isWhole: true);
        return scores;

        // Scores the pending inputs. All their sequences end here, except the last one if isWhole is false.
        void Flush(bool isWhole)
        {
            if (cancellation.IsCancellationRequested)
            {
                foreach (SequenceInput input in inputs)
                    input.Sequence.Dispose();
                cancellation.ThrowIfCancellationRequested();
            }
            step([.. inputs], logits.AsSpan(0, held * vocabulary));
            int row = 0;
            foreach ((int sequence, int start, int count) in places)
            {
                for (int t = 0; t < count; t++, row++)
                    scores[sequence][start + t] = ScoreToken(logits.AsSpan(row * vocabulary, vocabulary),
                        sequences[sequence].Span[start + t + 1], path);
            }
            for (int i = 0; i < inputs.Count - (isWhole ? 0 : 1); i++)
                inputs[i].Sequence.Dispose();
            inputs.Clear();
            places.Clear();
            held = 0;
        }
    }

    /// <summary>Returns the score of a token given its logits.</summary>
    public static TokenScore ScoreToken(Span<float> logits, int token, KernelPath path)
    {
        float chosen = logits[token];
        fixed (float* at = logits)
            return new TokenScore(Math.Min(0, chosen - path.LogSumExp(at, logits.Length)),
                !logits.ContainsAnyInRange(MathF.BitIncrement(chosen), float.PositiveInfinity));
    }
}
