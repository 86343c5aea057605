using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Atelier.Generation.Constraints;

/// <summary>
/// JSON (RFC 8259) as expressions. Each text has one spelling: characters stand for themselves wherever they may, and a
/// space may stand after a comma or a colon, nowhere else.
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

    /// <summary>Any whole number of at most 18 digits, so that it fits 64 bits.</summary>
    public static Expression Integer { get; } = Expression.Of(Expression.Optional(Expression.Literal("-")), Whole(18));

    /// <summary>
    /// Any number of at most 15 digits, 15 decimals and 2 digits of exponent, so that it fits 64-bit floating point.
    /// </summary>
    public static Expression Number { get; } = Expression.Of(
        Expression.Optional(Expression.Literal("-")), Whole(15),
        Expression.Optional(Expression.Of(Expression.Literal("."), new Repetition(new Characters(Digits), 1, 15))),
        Expression.Optional(Expression.Of(
            new Characters(CharacterSet.Of(('E', 'E'), ('e', 'e'))),
            Expression.Optional(new Characters(CharacterSet.Of(('+', '+'), ('-', '-')))),
            new Repetition(new Characters(Digits), 1, 2))));

    /// <summary>A string of so many characters.</summary>
    public static Expression String(int least = 0, int? most = null) =>
        Quoted(new Repetition(new Characters(CharacterSet.All), least, most));

    /// <summary>A string whose value follows an expression.</summary>
    public static Expression Quoted(Expression value) =>
        Expression.Of(Expression.Literal("\""), Escaped(value), Expression.Literal("\""));

    /// <summary>A string that is none of some.</summary>
    public static Expression StringExcept(IReadOnlyCollection<string> names) =>
        Quoted(Except([.. names.Select(n => n.EnumerateRunes().Select(r => r.Value).ToArray())], 0));

    /// <summary>Parts with commas between, in brackets or braces.</summary>
    public static Expression Listed(char open, Expression inside, char close) =>
        Expression.Of(Expression.Literal(open.ToString()), inside, Expression.Literal(close.ToString()));

    /// <summary>A part so many times, with commas between.</summary>
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

    /// <summary>A value as it stands.</summary>
    public static Expression Literal(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => Quoted(Expression.Literal(value.GetString()!)),
        JsonValueKind.Array => Listed('[', Separated(value.EnumerateArray().Select(Literal)), ']'),
        JsonValueKind.Object =>
            Listed('{', Separated(value.EnumerateObject()
            .Select(p => Expression.Of(Quoted(Expression.Literal(p.Name)), Colon, Literal(p.Value)))), '}'),
        _ => Expression.Literal(value.GetRawText()),
    };

    private static Expression Separated(IEnumerable<Expression> parts) =>
        Expression.Of(parts.SelectMany((part, i) => i == 0 ? (Expression[])[part] : [Comma, part]));

    private static Expression Whole(int digits) => new Choice(
    [
        Expression.Literal("0"),
        Expression.Of(new Characters(CharacterSet.Of(('1', '9'))),
            new Repetition(new Characters(Digits), 0, digits - 1)),
    ]);

    /// <summary>An expression over a string's characters as one over their JSON spelling.</summary>
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
            case Characters(CharacterSet set):
                Expression[] escapes =
                    [.. set.Except(Plain).Ranges.SelectMany(r => Enumerable.Range(r.First, r.Last - r.First + 1))
                    .Select(c => Expression.Literal(Escape(c)))];
                return escapes.Length == 0 ? value : new Choice([new Characters(set.Intersect(Plain)), .. escapes]);
            default:
                throw new InvalidOperationException($"{value.GetType().Name} cannot be in a string");
        }
    }

    private static string Escape(int character) => character switch
    {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\b' => "\\b",
        '\f' => "\\f",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        _ => string.Create(CultureInfo.InvariantCulture, $"\\u{character:x4}"),
    };

    /// <summary>What differs from each of some texts, of which <paramref name="at"/> characters have come.</summary>
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
