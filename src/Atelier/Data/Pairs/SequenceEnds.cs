using Atelier.Tokenizers;

namespace Atelier.Data.Pairs;

/// <summary>The special tokens that batches add to the sources and targets of pairs.</summary>
/// <param name="StartId">The first input of the decoder.</param>
/// <param name="EndId">The last token of a target, and of a source if <paramref name="EndsSource"/> is true.</param>
/// <param name="PadId">The token at unused positions, which no model attends to.</param>
/// <param name="EndsSource">Whether an end token follows each source.</param>
public sealed record SequenceEnds(int StartId, int EndId, int PadId, bool EndsSource = true)
{
    private readonly int? _sourceEndId, _sourcePadId;

    /// <summary>The end token of sources; by default <see cref="EndId"/>. It differs where the source has a vocabulary
    /// of its own.</summary>
    public int SourceEndId
    {
        get => _sourceEndId ?? EndId;
        init => _sourceEndId = value;
    }

    /// <summary>The token at unused positions of sources; by default <see cref="PadId"/>.</summary>
    public int SourcePadId
    {
        get => _sourcePadId ?? PadId;
        init => _sourcePadId = value;
    }

    /// <summary>
    /// The text before every source, such as "translate English to German: ", which the tokens of sources begin with.
    /// </summary>
    public string SourcePrefix { get; init; } = "";

    /// <summary>
    /// Returns the special tokens for two tokenizers: the end-of-text token of each starts, ends and pads its
    /// sequences.
    /// </summary>
    /// <param name="source">The tokenizer of the sources.</param>
    /// <param name="target">The tokenizer of the targets; may be the same object.</param>
    /// <exception cref="AtelierException">A tokenizer has no end-of-text token.</exception>
    public static SequenceEnds Of(Tokenizer source, Tokenizer target)
    {
        static int End(Tokenizer tokenizer) => tokenizer.EndOfTextId
            ?? throw new AtelierException("the tokenizer has no end-of-text token to start and end sequences with",
                hint: "use another tokenizer");
        int first = End(source), end = End(target);
        return new(end, end, end) { SourceEndId = first, SourcePadId = first };
    }
}
