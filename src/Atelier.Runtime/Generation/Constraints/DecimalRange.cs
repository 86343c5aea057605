using System.Numerics;

namespace Atelier.Generation.Constraints;

/// <summary>A bound of a range of numbers.</summary>
/// <param name="Value">The bound.</param>
/// <param name="IsExclusive">Whether the bound itself is excluded.</param>
internal readonly record struct DecimalBound(DecimalNumber Value, bool IsExclusive);

/// <summary>Builds expressions for the numbers between two bounds, written as decimals without an exponent.</summary>
internal sealed class DecimalRange
{
    private const int MostDecimals = 15;
    private const int MostWhole = 18; // digits before the point, unless the lower bound has more
    private const int MostBounded = 40; // the same where there is an upper bound
    private static readonly CharacterSet Digits = CharacterSet.Of(('0', '9'));

    private readonly string _low; // the digits of the bound, padded so that both have as many before the point
    private readonly string? _high;
    private readonly bool _lowExclusive;
    private readonly bool _highExclusive;
    private readonly int _point; // number of digits before the point
    private readonly bool _whole;
    private readonly Dictionary<(int, bool, bool), Expression> _from = []; // shared, so that long bounds stay small

    private DecimalRange(DecimalBound low, DecimalBound? high, int point, bool whole)
    {
        (_low, _lowExclusive, _point, _whole) = (Spell(low.Value, point), low.IsExclusive, point, whole);
        if (high is DecimalBound limit)
            (_high, _highExclusive) = (Spell(limit.Value, point), limit.IsExclusive);
    }

    /// <summary>Returns an expression for the numbers between two bounds, of which either may be missing.</summary>
    /// <param name="low">The lower bound, or null.</param>
    /// <param name="high">The upper bound, or null.</param>
    /// <param name="whole">Whether only integers are allowed.</param>
    public static Expression Between(DecimalBound? low, DecimalBound? high, bool whole)
    {
        var options = new List<Expression>();
        // Negative numbers are a sign and an absolute value between the bounds with opposite sign. Zero has no sign.
        if (low is not { Value.Sign: >= 0 })
        {
            DecimalBound smallest = high is { Value.Sign: < 0 }
                ? new(-high.Value.Value, high.Value.IsExclusive)
                : new(0, true);
            DecimalBound? largest = low is DecimalBound l ? new(-l.Value, l.IsExclusive) : null;
            options.Add(Expression.Of(Expression.Literal("-"), NonNegative(smallest, largest, whole)));
        }
        if (high is not { Value.Sign: < 0 })
            options.Add(NonNegative(low is { Value.Sign: >= 0 } ? low.Value : new(0, false), high, whole));
        return new Choice(options);
    }

    /// <summary>
    /// Returns the non-negative numbers between bounds, with one alternative for each number of digits before the
    /// point, or for all numbers of digits without an upper bound.
    /// </summary>
    private static Choice NonNegative(DecimalBound low, DecimalBound? high, bool whole)
    {
        int shortest = low.Value.Whole.Length;
        int longest = high is DecimalBound limit
            ? Math.Min(limit.Value.Whole.Length, Math.Max(MostBounded, shortest))
            : shortest;
        var options = new List<Expression>();
        for (int digits = shortest; digits <= longest; digits++)
        {
            DecimalBound from = digits == shortest ? low : new(Power(digits - 1), false);
            DecimalBound? to = digits == high?.Value.Whole.Length ? high : null;
            options.Add(new DecimalRange(from, to, digits, whole).From(0, true, to is not null));
        }
        if (high is null && shortest < MostWhole)
        {
            Expression decimals = Expression.Of(Expression.Literal("."),
                new Repetition(new Characters(Digits), 1, MostDecimals));
            options.Add(Expression.Of(new Characters(CharacterSet.Of(('1', '9'))),
                new Repetition(new Characters(Digits), shortest, MostWhole - 1),
                whole ? Expression.Empty : Expression.Optional(decimals)));
        }
        return new Choice(options);
    }

    /// <summary>
    /// Returns the texts from a digit on, given that the digits before it equal those of the low bound, of the high
    /// bound, of both or of neither.
    /// </summary>
    private Expression From(int at, bool onLow, bool onHigh)
    {
        if (!_from.TryGetValue((at, onLow, onHigh), out Expression? known))
            _from.Add((at, onLow, onHigh), known = FromAnew(at, onLow, onHigh));
        return known;
    }

    private Expression FromAnew(int at, bool onLow, bool onHigh)
    {
        int length = Math.Max(_low.Length, _high?.Length ?? 0);
        bool afterPoint = at >= _point;
        if (!onLow && !onHigh)
            return Free(at);
        if (at >= Math.Max(length, _point))
            return Equal(at, onLow, onHigh);
        char low = onLow ? At(_low, at) : '0', high = onHigh ? At(_high!, at) : '9';
        if (low > high)
            return Expression.Nothing;
        var options = new List<Expression>();
        if (low == high)
        {
            options.Add(Digit(low, low, From(at + 1, onLow, onHigh)));
        }
        else
        {
            options.Add(Digit(low, low, From(at + 1, onLow, false)));
            options.Add(Digit(high, high, From(at + 1, false, onHigh)));
            if (high - low > 1)
                options.Add(Digit((char)(low + 1), (char)(high - 1), From(at + 1, false, false)));
        }
        // Integers end at the point. Other numbers may end here if zeros in place of the missing decimals are within
        // the bounds.
        if (!afterPoint)
            return new Choice(options);
        if (_whole)
            return ZerosFit(at, onLow, onHigh) ? Expression.Empty : Expression.Nothing;
        Expression more = new Choice(options);
        if (at == _point)
            more = Expression.Of(Expression.Literal("."), more);
        return ZerosFit(at, onLow, onHigh) ? Expression.Optional(more) : more;

        Expression Digit(char first, char last, Expression rest) =>
            Expression.Of(new Characters(CharacterSet.Of((first, last))), rest);
    }

    /// <summary>Returns any digits up to the point and any decimals.</summary>
    private Expression Free(int at)
    {
        if (at < _point)
            return Expression.Of(new Characters(Digits), From(at + 1, false, false));
        if (_whole)
            return Expression.Empty;
        Expression decimals = new Repetition(new Characters(Digits), at == _point ? 1 : 0, MostDecimals);
        return at == _point ? Expression.Optional(Expression.Of(Expression.Literal("."), decimals)) : decimals;
    }

    /// <summary>
    /// Returns the texts after all digits of the bounds: at an inclusive high bound only zeros may follow, at an
    /// exclusive low bound at least one digit other than 0 must follow.
    /// </summary>
    private Expression Equal(int at, bool onLow, bool onHigh)
    {
        bool above = onLow && _lowExclusive;
        if (onHigh && (_highExclusive || above))
            return Expression.Nothing;
        if (_whole)
            return above ? Expression.Nothing : Expression.Empty;
        var zero = new Characters(CharacterSet.Of('0'));
        Expression more = onHigh
            ? new Repetition(zero, 1, MostDecimals)
            : above
                ? Expression.Of(new Repetition(zero, 0, MostDecimals), new Characters(CharacterSet.Of(('1', '9'))),
                    new Repetition(new Characters(Digits), 0, MostDecimals))
                : new Repetition(new Characters(Digits), 1, MostDecimals);
        if (at == _point)
            more = Expression.Of(Expression.Literal("."), more);
        return above ? more : Expression.Optional(more);
    }

    /// <summary>
    /// Returns whether a number that ends before a digit, which stands for zeros from there on, is within the bounds.
    /// </summary>
    private bool ZerosFit(int at, bool onLow, bool onHigh)
    {
        bool lowIsZero = Rest(_low), highIsZero = _high is null || Rest(_high);
        return (!onLow || (lowIsZero && !_lowExclusive)) && (!onHigh || !highIsZero || !_highExclusive);

        bool Rest(string digits) => at >= digits.Length || digits.AsSpan(at).IndexOfAnyExcept('0') < 0;
    }

    private static char At(string digits, int at) => at < digits.Length ? digits[at] : '0';

    private static DecimalNumber Power(int exponent) => new(BigInteger.Pow(10, exponent), 0);

    /// <summary>
    /// Returns the digits of a number, padded with zeros to <paramref name="point"/> digits before the point, without
    /// trailing zeros after it.
    /// </summary>
    private static string Spell(DecimalNumber value, int point) => value.Whole.PadLeft(point, '0') + value.Fraction;
}
