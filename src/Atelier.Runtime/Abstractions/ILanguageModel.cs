namespace Atelier.Abstractions;

/// <summary>
/// A model of token sequences, which predicts the next token. Several threads may use a model at the same time, each
/// with its own states; a state is used by one thread at a time.
/// </summary>
public interface ILanguageModel : IDisposable
{
    /// <summary>Number of token ids.</summary>
    int VocabularySize { get; }

    /// <summary>
    /// The largest number of tokens that the model can condition on; <see cref="int.MaxValue"/> if there is no limit.
    /// </summary>
    int ContextLength { get; }

    /// <summary>
    /// Whether steps of several states can run at the same time, as in models that only read tables. If false, a
    /// generator runs one step at a time, and its requests take turns. The default is false.
    /// </summary>
    bool RunsInParallel => false;

    /// <summary>Creates the state of <paramref name="sequences"/> empty sequences.</summary>
    IDecodingState CreateState(int sequences);

    /// <summary>
    /// Scores all tokens of each sequence except the first, given the tokens before them. The result has one array for
    /// each sequence, one element shorter than the sequence. A sequence may have up to <see cref="ContextLength"/> + 1
    /// tokens; lengths may differ.
    /// </summary>
    /// <param name="sequences">The sequences.</param>
    /// <param name="cancellation">Cancels the operation, also within a long sequence.</param>
    IReadOnlyList<TokenScore[]> Score(IReadOnlyList<ReadOnlyMemory<int>> sequences,
        CancellationToken cancellation = default);
}

/// <summary>The score of a token under the model.</summary>
/// <param name="LogProbability">The natural logarithm of the token's probability, in nats, at most 0.</param>
/// <param name="IsMostLikely">Whether no other token was more probable.</param>
public readonly record struct TokenScore(double LogProbability, bool IsMostLikely);

/// <summary>The state of sequences that are being generated, such as a key-value cache or a hidden state.</summary>
public interface IDecodingState : IDisposable
{
    /// <summary>Number of sequences.</summary>
    int Sequences { get; }

    /// <summary>Number of tokens appended to each sequence so far.</summary>
    int Length { get; }

    /// <summary>Appends the same number of tokens to every sequence and returns the logits of the next token.</summary>
    /// <param name="tokens">The tokens, [sequences, n] in row-major order, with n at least 1 and Length + n at most the
    /// context length.</param>
    /// <param name="logits">Filled with the logits after the last token, [sequences, vocabulary].</param>
    void Append(ReadOnlySpan<int> tokens, Span<float> logits);

    /// <summary>
    /// Replaces sequence i by a copy of sequence <c>parents[i]</c>, as beam search needs. May change the number of
    /// sequences.
    /// </summary>
    void Select(ReadOnlySpan<int> parents);

    /// <summary>Whether <see cref="Truncate"/> is supported.</summary>
    bool CanTruncate => false;

    /// <summary>
    /// Removes all but the first tokens of every sequence, as speculative decoding needs for rejected tokens.
    /// </summary>
    /// <param name="length">Number of tokens to keep, 0 to <see cref="Length"/>.</param>
    /// <exception cref="NotSupportedException"><see cref="CanTruncate"/> is false.</exception>
    void Truncate(int length) => throw new NotSupportedException("this model cannot remove tokens");

    /// <summary>
    /// Appends the same number of tokens to every sequence and returns the logits after each of them.
    /// </summary>
    /// <param name="tokens">The tokens, [sequences, n] in row-major order, with n at least 1 and Length + n at most the
    /// context length.</param>
    /// <param name="logits">Filled with the logits after each token, [sequences, n, vocabulary].</param>
    void AppendAll(ReadOnlySpan<int> tokens, Span<float> logits)
    {
        int added = tokens.Length / Sequences, vocabulary = logits.Length / tokens.Length;
        int[] column = new int[Sequences];
        float[] next = new float[Sequences * vocabulary];
        for (int t = 0; t < added; t++)
        {
            for (int i = 0; i < column.Length; i++)
                column[i] = tokens[i * added + t];
            Append(column, next);
            for (int i = 0; i < column.Length; i++)
                next.AsSpan(i * vocabulary, vocabulary).CopyTo(logits[((i * added + t) * vocabulary)..]);
        }
    }
}
