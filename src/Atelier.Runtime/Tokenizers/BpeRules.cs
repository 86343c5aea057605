namespace Atelier.Tokenizers;

/// <summary>The settings in which byte-level tokenizers of different models differ.</summary>
internal sealed record BpeRules
{
    // The usual names of the end-of-text token, for files that do not name it.
    private static readonly string[] Endings = [TokenTable.EndOfText, "<|end_of_text|>", "</s>", "<|im_end|>"];

    /// <summary>The rules that split text into words.</summary>
    public WordSplit Split { get; init; } = WordSplit.Gpt2;

    /// <summary>Whether a word that is in the vocabulary becomes one token regardless of the merges.</summary>
    public bool TakesWholeWords { get; init; }

    /// <summary>The normalizer that is applied to text first; null for none.</summary>
    public TextNormalizer? Normalizer { get; init; }

    /// <summary>The tokens that are matched in the text literally.</summary>
    public IReadOnlyList<AddedToken> Added { get; init; } = [];

    /// <summary>The special tokens, which have no text.</summary>
    public IReadOnlyCollection<string> Specials { get; init; } = [TokenTable.EndOfText];

    /// <summary>The end-of-text token, which separates documents; null takes the first of its usual names.</summary>
    public string? EndOfText { get; init; }

    /// <summary>Returns the name of the end-of-text token in a vocabulary, or null if it has none.</summary>
    public string? FindEndOfText(TokenTable table) =>
        EndOfText ?? Endings.FirstOrDefault(name => Specials.Contains(name) && table.IdOrNull(name) is not null);
}
