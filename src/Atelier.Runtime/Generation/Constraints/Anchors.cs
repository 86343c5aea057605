namespace Atelier.Generation.Constraints;

/// <summary>
/// An anchor: matches the empty text at the beginning or the end of the whole text. Only patterns contain anchors.
/// </summary>
internal sealed record Anchor(bool AtEnd) : Expression;

/// <summary>
/// Removes ^ and $ from expressions. Whether an anchor matches depends on the text around it, so the texts of each part
/// are split into the empty text and the non-empty ones: if two neighbouring parts are both non-empty, the first is not
/// at the end of the whole text and the second is not at its beginning.
/// </summary>
internal sealed class Anchors
{
    // The non-empty texts of each part, by whether the part begins and ends the whole text.
    private readonly Dictionary<Expression, Expression?[]> _texts = new(ReferenceEqualityComparer.Instance);

    private Anchors()
    {
    }

    /// <summary>Returns an expression without anchors that matches the same texts.</summary>
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

    /// <summary>Returns whether a part matches the empty text.</summary>
    /// <param name="expression">The part.</param>
    /// <param name="begins">Whether no text precedes the part.</param>
    /// <param name="ends">Whether no text follows the part.</param>
    private static bool MayBeEmpty(Expression expression, bool begins, bool ends) => expression switch
    {
        Anchor(bool atEnd) => atEnd ? ends : begins,
        Sequence(IReadOnlyList<Expression> parts) => parts.All(part => MayBeEmpty(part, begins, ends)),
        Choice(IReadOnlyList<Expression> options) => options.Any(option => MayBeEmpty(option, begins, ends)),
        Repetition repetition => repetition.Least == 0 || MayBeEmpty(repetition.Part, begins, ends),
        _ => false,
    };

    /// <summary>Returns an expression for the non-empty texts of a part.</summary>
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

    /// <summary>Returns the non-empty texts of a sequence, built from its last part to its first.</summary>
    private Expression Texts(List<Expression> parts, bool begins, bool ends)
    {
        // The texts of the parts from the current one on: if text precedes them, and if none does.
        Expression after = Expression.Nothing, fromStart = Expression.Nothing;
        // whether the parts after the current one match the empty text if text precedes them
        bool restMayBeEmpty = true;
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
        // Repetitions that match the empty text may stand before, between and after those with text.
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

    /// <summary>Combines neighbouring parts without anchors into one part, so that few parts are left.</summary>
    private static List<Expression> Grouped(IReadOnlyList<Expression> parts)
    {
        var groups = new List<Expression>();
        var plain = new List<Expression>();
        foreach (Expression part in parts)
        {
            // A part that may be empty stays separate, since it only counts as text before or after other parts if it
            // is not empty.
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
