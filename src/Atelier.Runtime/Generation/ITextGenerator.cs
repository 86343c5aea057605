using Atelier.Abstractions;

namespace Atelier.Generation;

/// <summary>A capability: writes text token by token, as decoding options say.</summary>
public interface ITextGenerator : IGenerator
{
    /// <summary>The decoding defaults, used where a request does not set them.</summary>
    DecodingOptions Defaults { get; }

    /// <summary>
    /// Returns the text of a request that its samples continue: the prompt of a language model, or the forced prefix of
    /// a model that writes a target for a source.
    /// </summary>
    /// <param name="request">The request.</param>
    string BeginningOf(GenerationRequest request);

    /// <summary>
    /// Draws samples and returns each piece of text as soon as it is final. Results of beam search are returned when
    /// the search ends.
    /// </summary>
    /// <param name="request">The request.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The request cannot be fulfilled; the message explains why.</exception>
    IAsyncEnumerable<TextPiece> StreamAsync(GenerationRequest request, CancellationToken cancellation = default);
}
