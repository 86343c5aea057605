using Atelier.Tokenizers;

namespace Atelier.Generation;

/// <summary>The special tokens and fixed texts of a model that writes a target given a source.</summary>
/// <param name="StartId">The start token of the decoder, which precedes every target: in T5 and Marian the padding
/// token, in BART the end token.</param>
/// <param name="EndIds">The end tokens of targets, each of which ends a target.</param>
public sealed record SequenceToSequenceTokens(int StartId, IReadOnlyList<int> EndIds)
{
    /// <summary>The text that precedes every source, such as "translate English to German: ".</summary>
    public string SourcePrefix { get; init; } = "";

    /// <summary>The special tokens before the text of a source.</summary>
    public IReadOnlyList<int> SourceStartIds { get; init; } = [];

    /// <summary>The special tokens after the text of a source, such as the end token of T5, BART and Marian.</summary>
    public IReadOnlyList<int> SourceEndIds { get; init; } = [];

    /// <summary>
    /// The tokens that every target has after the start token, such as the token of a language.
    /// </summary>
    public IReadOnlyList<int> ForcedStartIds { get; init; } = [];

    /// <summary>
    /// Creates the tokens of a model whose targets start and end with the end-of-text token, and whose sources end with
    /// that of their own tokenizer.
    /// </summary>
    /// <param name="sourceTokenizer">The tokenizer of sources.</param>
    /// <param name="tokenizer">The tokenizer of targets.</param>
    /// <exception cref="AtelierException">A vocabulary has no end-of-text token.</exception>
    public static SequenceToSequenceTokens Of(Tokenizer sourceTokenizer, Tokenizer tokenizer)
    {
        int end = EndOf(tokenizer, "targets");
        return new(end, [end]) { SourceEndIds = [EndOf(sourceTokenizer, "sources")] };

        static int EndOf(Tokenizer tokenizer, string texts) => tokenizer.EndOfTextId
            ?? throw new AtelierException($"the vocabulary of {texts} has no end-of-text token",
                hint: "use a tokenizer that has one");
    }
}
