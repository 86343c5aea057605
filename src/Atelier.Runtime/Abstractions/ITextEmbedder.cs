namespace Atelier.Abstractions;

/// <summary>
/// A capability: turns texts into vectors, so that texts of similar meaning have similar vectors. Safe for concurrent
/// use.
/// </summary>
public interface ITextEmbedder
{
    /// <summary>Number of elements of a vector.</summary>
    int EmbeddingSize { get; }

    /// <summary>Returns the number of tokens that the model reads of a text, special tokens included.</summary>
    /// <param name="text">The text.</param>
    /// <exception cref="AtelierException">The text has a character that the model cannot read.</exception>
    int CountTokens(string text);

    /// <summary>
    /// Returns the vector of each text. A text that is longer than the model can read is cut at its end.
    /// </summary>
    /// <param name="texts">The texts; each may be empty.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <returns>The vectors in the order of the texts, each of <see cref="EmbeddingSize"/> elements.</returns>
    /// <exception cref="AtelierException">A text has a character that the model cannot read.</exception>
    IReadOnlyList<float[]> Embed(IReadOnlyList<string> texts, CancellationToken cancellation = default);
}
