namespace Atelier.Tokenizers;

/// <summary>Where a tokenizer inserts a space before text.</summary>
internal enum SpacePrefix
{
    /// <summary>Nowhere.</summary>
    None,

    /// <summary>Before the text, even if it begins with a space (the normalizer Prepend).</summary>
    Always,

    /// <summary>
    /// Before the text, and each piece after an added token, unless it begins with a space (Metaspace, "always").
    /// </summary>
    WhereAbsent,

    /// <summary>Before the whole text only, unless it begins with a space (Metaspace, "first").</summary>
    FirstWhereAbsent,
}

/// <summary>The settings in which SentencePiece tokenizers of different models differ.</summary>
internal sealed record SentencePieceRules
{
    /// <summary>The special tokens of files that do not name them.</summary>
    public static readonly string[] UsualSpecials = ["<unk>", "<s>", "</s>", TokenTable.EndOfText];

    /// <summary>Where a space is inserted before text.</summary>
    public SpacePrefix Prefix { get; init; } = SpacePrefix.Always;

    /// <summary>Whether text is split into words first, so that merges do not cross the beginning of a word.</summary>
    public bool SplitsWords { get; init; }

    /// <summary>The tokens that are matched in the text literally.</summary>
    public IReadOnlyList<AddedToken> Added { get; init; } = [];

    /// <summary>The special tokens, which have no text.</summary>
    public IReadOnlyCollection<string> Specials { get; init; } = UsualSpecials;
}
