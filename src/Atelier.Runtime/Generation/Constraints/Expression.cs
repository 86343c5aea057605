namespace Atelier.Generation.Constraints;

/// <summary>An expression that matches texts. Patterns and JSON schemas are parsed into trees of expressions.</summary>
internal abstract record Expression
{
    /// <summary>Matches the empty text only.</summary>
    public static Expression Empty { get; } = new Sequence([]);

    /// <summary>Matches no text.</summary>
    public static Expression Nothing { get; } = new Choice([]);

    /// <summary>Returns an expression that matches one text.</summary>
    public static Expression Literal(string text) =>
        new Sequence([.. text.EnumerateRunes().Select(rune => new Characters(CharacterSet.Of(rune.Value)))]);

    public static Expression Optional(Expression part) => new Repetition(part, 0, 1);

    public static Expression Of(params IEnumerable<Expression> parts) => new Sequence([.. parts]);
}

/// <summary>Matches one character of a set.</summary>
internal sealed record Characters(CharacterSet Set) : Expression;

/// <summary>Matches parts one after another.</summary>
internal sealed record Sequence(IReadOnlyList<Expression> Parts) : Expression;

/// <summary>Matches any one of several options.</summary>
internal sealed record Choice(IReadOnlyList<Expression> Options) : Expression;

/// <summary>Matches a part <paramref name="Least"/> to <paramref name="Most"/> times; null means no limit.</summary>
internal sealed record Repetition(Expression Part, int Least, int? Most) : Expression;

/// <summary>
/// A graph of states, of which the first is where texts begin: an edge matches a part and leads to the next state, and
/// a text may end in a state that is an end.
/// </summary>
internal sealed record Graph(IReadOnlyList<GraphState> States) : Expression;

/// <summary>A state of a graph: whether a text may end here, and the edges that lead on.</summary>
internal sealed record GraphState(bool IsEnd, IReadOnlyList<(Expression Part, int Next)> Edges);

/// <summary>A reference to another rule of the grammar, which expresses recursion.</summary>
internal sealed record RuleReference(int Rule) : Expression;

/// <summary>A grammar: texts match rule 0, which may refer to the others.</summary>
internal sealed record Grammar(IReadOnlyList<Expression> Rules);
