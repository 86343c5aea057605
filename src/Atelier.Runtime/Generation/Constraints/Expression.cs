namespace Atelier.Generation.Constraints;

/// <summary>What a text may be: the tree that patterns and JSON schemas are read into.</summary>
internal abstract record Expression
{
    /// <summary>The empty text.</summary>
    public static Expression Empty { get; } = new Sequence([]);

    /// <summary>No text at all.</summary>
    public static Expression Nothing { get; } = new Choice([]);

    /// <summary>One text.</summary>
    public static Expression Literal(string text) =>
        new Sequence([.. text.EnumerateRunes().Select(rune => new Characters(CharacterSet.Of(rune.Value)))]);

    public static Expression Optional(Expression part) => new Repetition(part, 0, 1);

    public static Expression Of(params IEnumerable<Expression> parts) => new Sequence([.. parts]);
}

/// <summary>One character of a set.</summary>
internal sealed record Characters(CharacterSet Set) : Expression;

/// <summary>One part after another.</summary>
internal sealed record Sequence(IReadOnlyList<Expression> Parts) : Expression;

/// <summary>One of several.</summary>
internal sealed record Choice(IReadOnlyList<Expression> Options) : Expression;

/// <summary>A part several times: <paramref name="Most"/> null is without end.</summary>
internal sealed record Repetition(Expression Part, int Least, int? Most) : Expression;

/// <summary>A reference to another rule of the grammar, which expresses recursion.</summary>
internal sealed record RuleReference(int Rule) : Expression;

/// <summary>A text follows rule 0, which may name the others.</summary>
internal sealed record Grammar(IReadOnlyList<Expression> Rules);
