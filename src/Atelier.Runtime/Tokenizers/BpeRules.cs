namespace Atelier.Tokenizers;

/// <summary>What byte-level vocabularies of different models differ in.</summary>
internal sealed record BpeRules
{
    // How models trained elsewhere call what ends a text, where their files do not say.
    private static readonly string[] Endings = [TokenTable.EndOfText, "<|end_of_text|>", "</s>", "<|im_end|>"];

    /// <summary>How text is cut into words.</summary>
    public WordSplit Split { get; init; } = WordSplit.Gpt2;

    /// <summary>Whether a word that stands in the vocabulary is taken whole, whatever the merges make of it.</summary>
    public bool TakesWholeWords { get; init; }

    /// <summary>What is done to text first, or null.</summary>
    public TextNormalizer? Normalizer { get; init; }

    /// <summary>Tokens that are found in the text as they are.</summary>
    public IReadOnlyList<AddedToken> Added { get; init; } = [];

    /// <summary>Tokens that stand for no text.</summary>
    public IReadOnlyCollection<string> Specials { get; init; } = [TokenTable.EndOfText];

    /// <summary>The special token between documents; null takes the first of its usual names.</summary>
    public string? EndOfText { get; init; }

    /// <summary>The name of the token between documents in a vocabulary, or null.</summary>
    public string? FindEndOfText(TokenTable table) =>
        EndOfText ?? Endings.FirstOrDefault(name => Specials.Contains(name) && table.IdOrNull(name) is not null);
}
