namespace Atelier.Tokenizers.Patterns;

/// <summary>How a repetition chooses its length.</summary>
internal enum RepeatKind
{
    /// <summary>As often as possible, and less often if the rest does not match.</summary>
    Greedy,

    /// <summary>As seldom as possible.</summary>
    Lazy,

    /// <summary>As often as possible, and never less often.</summary>
    Possessive,
}

/// <summary>A place between two characters.</summary>
internal enum PatternEdge
{
    /// <summary>The beginning of a line: "^".</summary>
    LineStart,

    /// <summary>The end of a line: "$".</summary>
    LineEnd,

    /// <summary>The beginning of the text: "\A".</summary>
    TextStart,

    /// <summary>The end of the text: "\z".</summary>
    TextEnd,

    /// <summary>The end of the text, or the line end before it: "\Z".</summary>
    LastLineEnd,

    /// <summary>The beginning or the end of a word: "\b".</summary>
    Word,

    /// <summary>Any other place: "\B".</summary>
    NotWord,
}

/// <summary>A part of a regular expression.</summary>
internal abstract record PatternNode
{
    /// <summary>The least and the greatest number of characters; the greatest is -1 if there is none.</summary>
    public abstract (int Least, int Most) Width { get; }
}

/// <summary>One character of a class.</summary>
internal sealed record CharacterNode(CharacterClass Class) : PatternNode
{
    public override (int Least, int Most) Width => (1, 1);
}

/// <summary>Parts one after another.</summary>
internal sealed record SequenceNode(IReadOnlyList<PatternNode> Parts) : PatternNode
{
    public override (int Least, int Most) Width => (Parts.Sum(part => part.Width.Least),
        Parts.Any(part => part.Width.Most < 0) ? -1 : Parts.Sum(part => part.Width.Most));
}

/// <summary>The first of several parts that matches.</summary>
internal sealed record ChoiceNode(IReadOnlyList<PatternNode> Parts) : PatternNode
{
    public override (int Least, int Most) Width => (Parts.Min(part => part.Width.Least),
        Parts.Any(part => part.Width.Most < 0) ? -1 : Parts.Max(part => part.Width.Most));
}

/// <summary>A part several times; <see cref="Most"/> is -1 for any number.</summary>
internal sealed record RepeatNode(PatternNode Body, int Least, int Most, RepeatKind Kind) : PatternNode
{
    public override (int Least, int Most) Width =>
        (Least * Body.Width.Least, Most < 0 || Body.Width.Most < 0 ? -1 : Most * Body.Width.Most);
}

/// <summary>A part that must match, or must not, before or after a place.</summary>
internal sealed record LookNode(PatternNode Body, bool IsBehind, bool IsNegated) : PatternNode
{
    public override (int Least, int Most) Width => (0, 0);
}

/// <summary>A part whose first match is final.</summary>
internal sealed record AtomicNode(PatternNode Body) : PatternNode
{
    public override (int Least, int Most) Width => Body.Width;
}

/// <summary>A place.</summary>
internal sealed record EdgeNode(PatternEdge Edge) : PatternNode
{
    public override (int Least, int Most) Width => (0, 0);
}
