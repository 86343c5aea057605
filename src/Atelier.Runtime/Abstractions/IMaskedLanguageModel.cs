namespace Atelier.Abstractions;

/// <summary>
/// A model of token sequences that predicts tokens from those on both sides (Devlin et al. 2019). Several threads may
/// use a model at the same time.
/// </summary>
public interface IMaskedLanguageModel : IDisposable
{
    /// <summary>The number of token ids.</summary>
    int VocabularySize { get; }

    /// <summary>The largest number of tokens in a sequence, special tokens included.</summary>
    int ContextLength { get; }

    /// <summary>
    /// Whether the model has a head that predicts tokens. Files of encoders may lack it; then
    /// <see cref="Predict"/> throws.
    /// </summary>
    bool PredictsTokens => true;

    /// <summary>
    /// Computes the logits of the tokens at some positions of each sequence. A position's own token is part of its
    /// context, so that it usually is the mask token.
    /// </summary>
    /// <param name="sequences">The sequences, each of 1 to <see cref="ContextLength"/> tokens, with the special tokens
    /// that the model expects.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <returns>The logits of each sequence, [positions, vocabulary].</returns>
    /// <exception cref="AtelierException">The model has no head that predicts tokens.</exception>
    IReadOnlyList<float[]> Predict(IReadOnlyList<MaskedSequence> sequences, CancellationToken cancellation = default);
}

/// <summary>A sequence of tokens with positions of interest, usually those of mask tokens.</summary>
/// <param name="Tokens">The token ids.</param>
/// <param name="Positions">Positions in the sequence, from 0.</param>
public readonly record struct MaskedSequence(ReadOnlyMemory<int> Tokens, ReadOnlyMemory<int> Positions);
