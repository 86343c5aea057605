namespace Atelier.Tokenizers;

/// <summary>Whether a space is put before text.</summary>
internal enum SpacePrefix
{
    /// <summary>None is.</summary>
    None,

    /// <summary>One is, whatever the text begins with (the normalizer Prepend).</summary>
    Always,

    /// <summary>
    /// One is where the text, or a piece of it after an added token, does not begin with one (Metaspace, "always").
    /// </summary>
    WhereAbsent,

    /// <summary>The same for the beginning of the whole text alone (Metaspace, "first").</summary>
    FirstWhereAbsent,
}

/// <summary>What vocabularies of SentencePiece's kind differ in.</summary>
internal sealed record SentencePieceRules
{
    /// <summary>The specials of files that do not name theirs.</summary>
    public static readonly string[] UsualSpecials = ["<unk>", "<s>", "</s>", TokenTable.EndOfText];

    /// <summary>Whether a space is put before the text.</summary>
    public SpacePrefix Prefix { get; init; } = SpacePrefix.Always;

    /// <summary>Whether nothing is joined across the beginning of a word.</summary>
    public bool SplitsWords { get; init; }

    /// <summary>Tokens that are found in the text as they are.</summary>
    public IReadOnlyList<AddedToken> Added { get; init; } = [];

    /// <summary>Tokens that stand for no text.</summary>
    public IReadOnlyCollection<string> Specials { get; init; } = UsualSpecials;
}
