namespace Atelier.Generation.Constraints;

/// <summary>
/// The beginning of the text, or its end: an empty part that stands nowhere else. Only patterns hold it.
/// </summary>
internal sealed record Anchor(bool AtEnd) : Expression;

/// <summary>
/// Writes expressions without ^ and $. Whether an anchor holds depends on what stands around it, so that each part is
/// split into its empty text and the others: of two parts that both have text, the first does not end and the second
/// does not begin the whole.
/// </summary>
internal sealed class Anchors
{
    // Of each part, by whether it begins and ends the whole.
    private readonly Dictionary<Expression, Expression?[]> _texts = new(ReferenceEqualityComparer.Instance);

    private Anchors()
    {
    }

    /// <summary>An expression of the same texts without anchors.</summary>
    public static Expression Remove(Expression expression)
    {
        if (!Has(expression))
            return expression;
        Expression texts = new Anchors().Texts(expression, begins: true, ends: true);
        return MayBeEmpty(expression, begins: true, ends: true) ? OneOf([Expression.Empty, texts]) : texts;
    }

    private static bool Has(Expression expression) => expression switch
    {
        Anchor => true,
        Sequence(IReadOnlyList<Expression> parts) => parts.Any(Has),
        Choice(IReadOnlyList<Expression> options) => options.Any(Has),
        Repetition repetition => Has(repetition.Part),
        _ => false,
    };

    /// <summary>Whether a part may be the empty text.</summary>
    /// <param name="expression">The part.</param>
    /// <param name="begins">Whether nothing stands before it.</param>
    /// <param name="ends">Whether nothing stands after it.</param>
    private static bool MayBeEmpty(Expression expression, bool begins, bool ends) => expression switch
    {
        Anchor(bool atEnd) => atEnd ? ends : begins,
        Sequence(IReadOnlyList<Expression> parts) => parts.All(part => MayBeEmpty(part, begins, ends)),
        Choice(IReadOnlyList<Expression> options) => options.Any(option => MayBeEmpty(option, begins, ends)),
        Repetition repetition => repetition.Least == 0 || MayBeEmpty(repetition.Part, begins, ends),
        _ => false,
    };

    /// <summary>The texts of a part that are not empty.</summary>
    private Expression Texts(Expression expression, bool begins, bool ends)
    {
        if (!Has(expression) && !MayBeEmpty(expression, begins, ends))
            return expression;
        if (!_texts.TryGetValue(expression, out Expression?[]? known))
            _texts.Add(expression, known = new Expression?[4]);
        return known[(begins ? 2 : 0) + (ends ? 1 : 0)] ??= expression switch
        {
            Sequence(IReadOnlyList<Expression> parts) => Texts(Grouped(parts), begins, ends),
            Choice(IReadOnlyList<Expression> options) => OneOf(options.Select(option => Texts(option, begins, ends))),
            Repetition repetition => Texts(repetition, begins, ends),
            _ => Expression.Nothing,
        };
    }

    /// <summary>Parts one after another, from the last to the first.</summary>
    private Expression Texts(List<Expression> parts, bool begins, bool ends)
    {
        // Of the parts from a place on: their texts, where text stands before them and where none does.
        Expression after = Expression.Nothing, fromStart = Expression.Nothing;
        bool restMayBeEmpty = true; // with text before it
        for (int i = parts.Count - 1; i >= 0; i--)
        {
            Expression part = parts[i];
            Expression Extend(bool first, Expression same) => OneOf(
            [
                MayBeEmpty(part, first, ends: false) ? same : Expression.Nothing,
                Joined(Texts(part, first, ends: false), after),
                restMayBeEmpty ? Texts(part, first, ends) : Expression.Nothing,
            ]);
            (after, fromStart) = (Extend(false, after), Extend(begins, fromStart));
            restMayBeEmpty &= MayBeEmpty(part, begins: false, ends);
        }
        return fromStart;
    }

    private Expression Texts(Repetition repetition, bool begins, bool ends)
    {
        (Expression part, int least, int? most) = (repetition.Part, repetition.Least, repetition.Most);
        if (most == 0)
            return Expression.Nothing;
        // Times that are empty stand before the first text, between two, or after the last.
        bool skips = MayBeEmpty(part, begins, ends: false) || MayBeEmpty(part, begins: false, ends);
        int texts = skips ? 1 : Math.Max(1, least);
        if (!Has(part))
            return new Repetition(Texts(part, begins: false, ends: false), texts, most);
        Expression once = texts == 1 ? Texts(part, begins, ends) : Expression.Nothing;
        if (most == 1)
            return once;
        var between = new Repetition(Texts(part, begins: false, ends: false), Math.Max(0, texts - 2), most - 2);
        Expression first = Texts(part, begins, ends: false), last = Texts(part, begins: false, ends);
        return OneOf([once, Joined(Joined(first, between), last)]);
    }

    /// <summary>Neighbours without anchors as one part: the others are few.</summary>
    private static List<Expression> Grouped(IReadOnlyList<Expression> parts)
    {
        var groups = new List<Expression>();
        var plain = new List<Expression>();
        foreach (Expression part in parts)
        {
            // What may be empty stays by itself: only with text of its own does it begin or end what is around it.
            bool joins = !Has(part) && !MayBeEmpty(part, begins: true, ends: true);
            if (joins)
            {
                plain.Add(part);
                continue;
            }
            Close();
            groups.Add(part);
        }
        Close();
        return groups;

        void Close()
        {
            if (plain.Count > 0)
                groups.Add(new Sequence([.. plain]));
            plain.Clear();
        }
    }

    private static Expression Joined(Expression first, Expression second) =>
        IsNothing(first) || IsNothing(second) ? Expression.Nothing : new Sequence([first, second]);

    private static Expression OneOf(IEnumerable<Expression> options)
    {
        Expression[] possible = [.. options.Where(option => !IsNothing(option))];
        return possible is [Expression only] ? only : new Choice(possible);
    }

    private static bool IsNothing(Expression expression) => expression is Choice { Options.Count: 0 };
}
