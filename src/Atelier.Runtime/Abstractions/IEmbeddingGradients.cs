namespace Atelier.Abstractions;

/// <summary>
/// A text model whose predictions can be differentiated with respect to the embeddings of the tokens that it reads.
/// Safe for concurrent use.
/// </summary>
public interface IEmbeddingGradients
{
    /// <summary>
    /// Differentiates the log-probability of a token at points of the straight line from a baseline to the text. At
    /// point α, the embedding of a token that moves is b + α (x − b), where x is its own embedding and b, the baseline,
    /// is the mean embedding of all tokens of the vocabulary.
    /// </summary>
    /// <param name="prediction">The prediction.</param>
    /// <param name="points">The points α, from 0 at the baseline to 1 at the text.</param>
    /// <param name="cancellation">Cancels the operation between points.</param>
    /// <returns>The log-probability and its derivatives at each point.</returns>
    IReadOnlyList<EmbeddingGradient> Differentiate(DifferentiatedPrediction prediction, IReadOnlyList<double> points,
        CancellationToken cancellation = default);
}

/// <summary>A prediction to differentiate.</summary>
/// <param name="Text">The tokens of the text.</param>
/// <param name="Target">The tokens that the decoder of an encoder-decoder reads; otherwise empty.</param>
/// <param name="Query">The position of the target, or of the text if there is no target, at which the token is
/// predicted.</param>
/// <param name="Token">The id of the predicted token.</param>
/// <param name="Moving">The tokens whose embeddings move; the others stay.</param>
public sealed record DifferentiatedPrediction(IReadOnlyList<int> Text, IReadOnlyList<int> Target, int Query, int Token,
    IReadOnlyList<TokenPlace> Moving);

/// <summary>The place of a token that a model reads.</summary>
/// <param name="IsTarget">Whether the token is part of the target rather than of the text.</param>
/// <param name="Position">The position of the token.</param>
public readonly record struct TokenPlace(bool IsTarget, int Position);

/// <summary>The log-probability of a token and its derivatives at a point.</summary>
/// <param name="LogProbability">The log-probability in nats.</param>
/// <param name="AlongTokens">x · g for each token that moves, where x is its embedding and g is the gradient at the
/// point with respect to the embedding there.</param>
/// <param name="AlongBaseline">b · g for each token that moves, where b is the baseline.</param>
public sealed record EmbeddingGradient(double LogProbability, IReadOnlyList<double> AlongTokens,
    IReadOnlyList<double> AlongBaseline);
