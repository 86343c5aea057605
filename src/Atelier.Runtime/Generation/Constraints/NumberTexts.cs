using System.Numerics;
using System.Text.Json;

namespace Atelier.Generation.Constraints;

/// <summary>Expressions for the numbers of a case. Only numbers without restrictions have exponents.</summary>
internal static class NumberTexts
{
    private const int MostRemainders = 8_000;

    private static readonly Expression Unlimited = RegexParser.Parse(@"-?(?:0|[1-9]\d*)(?:\.\d+)?", whole: true);
    private static readonly Expression Digit = new Characters(CharacterSet.Of(('0', '9')));

    /// <summary>Returns an expression for the numbers of a case without allowed constants.</summary>
    public static Expression Of(SchemaCase @case)
    {
        NumberFacts facts = @case.Numbers;
        if (facts.IsInteger && facts.IsNoInteger)
            return Expression.Nothing;
        DecimalNumber[] noMultiples = facts.IsNoInteger ? [.. facts.NoMultiples, 1] : [.. facts.NoMultiples];
        DecimalNumber[] multiples = facts.IsInteger ? [.. facts.Multiples, 1] : [.. facts.Multiples];
        // those that others are multiples of say nothing more
        multiples = [.. multiples.Where((n, i) => !multiples.Where((other, j) => other.IsMultipleOf(n)
            && (j > i || !n.IsMultipleOf(other))).Any())];
        DecimalNumber[] excluded = [.. @case.Excluded.Values.Where(v => v.ValueKind == JsonValueKind.Number)
            .Select(v => DecimalNumber.Parse(v.GetRawText())).OfType<DecimalNumber>()];
        bool isBounded = facts.Low is not null || facts.High is not null;
        bool divides = noMultiples.Length > 0 || (facts.IsInteger ? multiples is not [{ } one] || one != 1
            : multiples.Length > 0);
        if (!divides && excluded.Length == 0)
        {
            return isBounded ? DecimalRange.Between(facts.Low, facts.High, facts.IsInteger)
                : facts.IsInteger ? JsonText.Integer : JsonText.Number;
        }
        CharacterAutomaton? remainders = divides ? Remainders(multiples, noMultiples) : null;
        // with very many remainders the number of digits cannot be counted too
        Expression written = !isBounded && remainders?.StateCount > MostRemainders / 20 ? Unlimited
            : DecimalRange.Between(facts.Low, facts.High, facts.IsInteger);
        CharacterAutomaton numbers = CharacterAutomaton.Of(written);
        if (remainders is not null)
            numbers = numbers.Intersect(remainders);
        if (excluded.Length > 0)
            numbers = numbers.Except(CharacterAutomaton.Of(new Choice([.. excluded.Select(Written)])));
        return numbers.ToExpression();
    }

    /// <summary>Returns all ways to write a number without an exponent.</summary>
    private static Expression Written(DecimalNumber number)
    {
        var zero = new Characters(CharacterSet.Of('0'));
        Expression digits = Expression.Literal(number.Whole);
        Expression decimals = number.IsInteger
            ? Expression.Optional(Expression.Of(Expression.Literal("."), new Repetition(zero, 1, null)))
            : Expression.Of(Expression.Literal("." + number.Fraction), new Repetition(zero, 0, null));
        Expression sign = number.Sign > 0 ? Expression.Empty : Expression.Literal("-");
        return Expression.Of(number.Sign == 0 ? Expression.Optional(sign) : sign, digits, decimals);
    }

    /// <summary>
    /// Returns the automaton of the decimals that are multiples of all of some numbers and of none of others. Its
    /// states are the remainders of the digits read so far.
    /// </summary>
    private static CharacterAutomaton Remainders(DecimalNumber[] multiples, DecimalNumber[] noMultiples)
    {
        int scale = multiples.Concat(noMultiples).Max(n => n.Scale);
        BigInteger common = multiples.Concat(noMultiples).Select(n => n.DigitsAt(scale)).Aggregate(BigInteger.One,
            (a, b) => a / BigInteger.GreatestCommonDivisor(a, b) * b);
        if (common * (scale + 2) > MostRemainders)
        {
            throw new AtelierException("multipleOf needs too many remainders", "schema",
                $"its digits may be at most about {MostRemainders / (scale + 2)}");
        }
        int count = (int)common;
        // State 0 is before the sign; then the remainders before the point, and those after each decimal; at last the
        // numbers with further decimals, which are multiples of nothing.
        int last = 1 + count * (scale + 2);
        var states = new List<GraphState>(last + 1);
        states.Add(new GraphState(false, [(Expression.Literal("-"), 1), .. Next(0, 0)]));
        for (int decimals = -1; decimals <= scale; decimals++)
        {
            for (int remainder = 0; remainder < count; remainder++)
            {
                BigInteger value = remainder * BigInteger.Pow(10, scale - Math.Max(0, decimals)) % common;
                bool fits = multiples.All(n => (value % n.DigitsAt(scale)).IsZero)
                    && !noMultiples.Any(n => (value % n.DigitsAt(scale)).IsZero);
                states.Add(new GraphState(fits, [.. decimals < 0
                    ? [(Expression.Literal("."), State(0, remainder)), .. Next(0, remainder)]
                    : decimals < scale ? Next(decimals + 2, remainder)
                    : [(Expression.Literal("0"), State(scale, remainder)),
                        (new Characters(CharacterSet.Of(('1', '9'))), last)]]));
            }
        }
        states.Add(new GraphState(multiples.Length == 0, [(Digit, last)]));
        return CharacterAutomaton.Of(new Graph(states)).Minimized();

        int State(int decimals, int remainder) => 1 + (decimals + 1) * count + remainder;

        IEnumerable<(Expression, int)> Next(int block, int remainder) => Enumerable.Range(0, 10).Select(digit =>
            ((Expression)new Characters(CharacterSet.Of('0' + digit)),
                1 + block * count + (remainder * 10 + digit) % count));
    }
}
