namespace Atelier.Generation.Constraints;

/// <summary>
/// Expressions for JSON (RFC 8259). Characters of strings are escaped only where they must be, and white space is
/// allowed only as one space after a comma or a colon.
/// </summary>
internal static class JsonText
{
    private static readonly CharacterSet Plain = CharacterSet.Of((0, 0x1F), ('"', '"'), ('\\', '\\')).Complement();
    private static readonly CharacterSet Digits = CharacterSet.Of(('0', '9'));

    public static Expression Comma { get; } =
        Expression.Of(Expression.Literal(","), Expression.Optional(Expression.Literal(" ")));

    public static Expression Colon { get; } =
        Expression.Of(Expression.Literal(":"), Expression.Optional(Expression.Literal(" ")));

    public static Expression True { get; } = Expression.Literal("true");

    public static Expression False { get; } = Expression.Literal("false");

    public static Expression Null { get; } = Expression.Literal("null");

    /// <summary>Matches an integer of at most 18 digits, which fits into 64 bits.</summary>
    public static Expression Integer { get; } = Expression.Of(Expression.Optional(Expression.Literal("-")), Whole(18));

    /// <summary>
    /// Matches a number with at most 15 digits before the point, 15 after it and 2 in the exponent, which is in the
    /// range of a double.
    /// </summary>
    public static Expression Number { get; } = Expression.Of(
        Expression.Optional(Expression.Literal("-")), Whole(15),
        Expression.Optional(Expression.Of(Expression.Literal("."), new Repetition(new Characters(Digits), 1, 15))),
        Expression.Optional(Expression.Of(
            new Characters(CharacterSet.Of(('E', 'E'), ('e', 'e'))),
            Expression.Optional(new Characters(CharacterSet.Of(('+', '+'), ('-', '-')))),
            new Repetition(new Characters(Digits), 1, 2))));

    /// <summary>Returns a string with a range of lengths, in characters.</summary>
    public static Expression String(int least = 0, int? most = null) =>
        Quoted(new Repetition(new Characters(CharacterSet.All), least, most));

    /// <summary>Returns a string whose value matches an expression.</summary>
    public static Expression Quoted(Expression value) =>
        Expression.Of(Expression.Literal("\""), Escaped(value), Expression.Literal("\""));

    /// <summary>Returns any string other than the given names.</summary>
    public static Expression StringExcept(IReadOnlyCollection<string> names) =>
        Quoted(Except([.. names.Select(n => n.EnumerateRunes().Select(r => r.Value).ToArray())], 0));

    /// <summary>Returns an expression in brackets or braces.</summary>
    public static Expression Listed(char open, Expression inside, char close) =>
        Expression.Of(Expression.Literal(open.ToString()), inside, Expression.Literal(close.ToString()));

    /// <summary>Returns a part repeated with commas between.</summary>
    public static Expression CommaSeparated(Expression part, int least, int? most)
    {
        if (most == 0)
            return least == 0 ? Expression.Empty : Expression.Nothing;
        if (least > most)
            return Expression.Nothing;
        Expression some =
            Expression.Of(part, new Repetition(Expression.Of(Comma, part), Math.Max(0, least - 1), most - 1));
        return least == 0 ? Expression.Optional(some) : some;
    }

    private static Expression Whole(int digits) => new Choice(
    [
        Expression.Literal("0"),
        Expression.Of(new Characters(CharacterSet.Of(('1', '9'))),
            new Repetition(new Characters(Digits), 0, digits - 1)),
    ]);

    /// <summary>
    /// Turns an expression over the characters of a string into one over their JSON form, with escapes.
    /// </summary>
    private static Expression Escaped(Expression value)
    {
        switch (value)
        {
            case Sequence(IReadOnlyList<Expression> parts):
                return new Sequence([.. parts.Select(Escaped)]);
            case Choice(IReadOnlyList<Expression> options):
                return new Choice([.. options.Select(Escaped)]);
            case Repetition repetition:
                return repetition with { Part = Escaped(repetition.Part) };
            case Graph(IReadOnlyList<GraphState> states):
                return new Graph([.. states.Select(state => state with
                {
                    Edges = [.. state.Edges.Select(edge => (Escaped(edge.Part), edge.Next))],
                })]);
            case Characters(CharacterSet set):
                CharacterSet special = set.Except(Plain);
                return special.IsEmpty ? value : new Choice([new Characters(set.Intersect(Plain)), Escapes(special)]);
            default:
                throw new InvalidOperationException($"{value.GetType().Name} cannot be in a string");
        }
    }

    /// <summary>
    /// Returns the escapes of characters that need one: those with a letter of their own, and numbers of four digits.
    /// </summary>
    private static Expression Escapes(CharacterSet special)
    {
        int[] all = [.. special.Ranges.SelectMany(r => Enumerable.Range(r.First, r.Last - r.First + 1))];
        List<Expression> options = [];
        CharacterSet letters = CharacterSet.Of(all.Where(c => Letter(c) is not null)
            .Select(c => ((int)Letter(c)!, (int)Letter(c)!)));
        if (!letters.IsEmpty)
            options.Add(new Characters(letters));
        foreach (IGrouping<int, int> digit in all.Where(c => Letter(c) is null).GroupBy(c => c / 16))
        {
            const string hexadecimal = "0123456789abcdef";
            IEnumerable<int> digits = digit.Select(c => (int)hexadecimal[c % 16]);
            options.Add(Expression.Of(Expression.Literal($"u00{hexadecimal[digit.Key]}"),
                new Characters(CharacterSet.Of(digits.Select(c => (c, c))))));
        }
        return Expression.Of(Expression.Literal("\\"), new Choice(options));
    }

    private static char? Letter(int character) => character switch
    {
        '"' => '"',
        '\\' => '\\',
        '\b' => 'b',
        '\f' => 'f',
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        _ => null,
    };

    /// <summary>
    /// Returns the continuations that make a text differ from each of the given ones, after <paramref name="at"/>
    /// common characters.
    /// </summary>
    private static Expression Except(int[][] texts, int at)
    {
        Expression anything = new Repetition(new Characters(CharacterSet.All), 0, null);
        if (texts.Length == 0)
            return anything;
        var options = new List<Expression>();
        CharacterSet begun = CharacterSet.None;
        foreach (IGrouping<int, int[]> same in texts.Where(t => t.Length > at).GroupBy(t => t[at]))
        {
            begun = begun.Union(CharacterSet.Of(same.Key));
            options.Add(Expression.Of(new Characters(CharacterSet.Of(same.Key)), Except([.. same], at + 1)));
        }
        options.Add(Expression.Of(new Characters(begun.Complement()), anything));
        if (texts.All(t => t.Length != at))
            options.Add(Expression.Empty);
        return new Choice(options);
    }
}
