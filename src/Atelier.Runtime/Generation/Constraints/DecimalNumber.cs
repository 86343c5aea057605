using System.Globalization;
using System.Numerics;

namespace Atelier.Generation.Constraints;

/// <summary>An exact decimal number: <paramref name="Digits"/> divided by ten to the power of
/// <paramref name="Scale"/>, which is at least 0 and as small as possible.</summary>
internal readonly record struct DecimalNumber(BigInteger Digits, int Scale)
{
    private const int MostDigits = 1000;

    /// <summary>-1, 0 or 1.</summary>
    public int Sign => Digits.Sign;

    public bool IsInteger => Scale == 0;

    /// <summary>The largest integer that is not above the number.</summary>
    public BigInteger Floor
    {
        get
        {
            var quotient = BigInteger.DivRem(Digits, BigInteger.Pow(10, Scale), out BigInteger rest);
            return rest.Sign < 0 ? quotient - 1 : quotient;
        }
    }

    /// <summary>The digits before the point of the absolute value.</summary>
    public string Whole => Spelled[..^Scale];

    /// <summary>The digits after the point, without zeros at the end.</summary>
    public string Fraction => Spelled[^Scale..];

    private string Spelled =>
        BigInteger.Abs(Digits).ToString(CultureInfo.InvariantCulture).PadLeft(Scale + 1, '0');

    public static implicit operator DecimalNumber(decimal value) =>
        Parse(value.ToString(CultureInfo.InvariantCulture))!.Value;

    public static DecimalNumber operator -(DecimalNumber number) => new(-number.Digits, number.Scale);

    /// <summary>Reads a number of JSON; null if it has more than 1,000 digits.</summary>
    public static DecimalNumber? Parse(string text)
    {
        int mark = text.AsSpan().IndexOfAny('e', 'E');
        string number = mark < 0 ? text : text[..mark];
        int exponent = 0;
        if (number.Length > MostDigits || (mark >= 0
            && !int.TryParse(text.AsSpan(mark + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture,
                out exponent)) || Math.Abs((long)exponent) > MostDigits)
        {
            return null;
        }
        int point = number.IndexOf('.', StringComparison.Ordinal);
        int scale = (point < 0 ? 0 : number.Length - point - 1) - exponent;
        var digits = BigInteger.Parse(number.Replace(".", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
        if (scale < 0)
            (digits, scale) = (digits * BigInteger.Pow(10, -scale), 0);
        while (scale > 0 && digits % 10 == 0)
            (digits, scale) = (digits / 10, scale - 1);
        return new DecimalNumber(digits, scale);
    }

    /// <summary>Returns -1, 0 or 1 if the number is below, equal to or above another.</summary>
    public int ComparedTo(DecimalNumber other)
    {
        int scale = Math.Max(Scale, other.Scale);
        return DigitsAt(scale).CompareTo(other.DigitsAt(scale));
    }

    /// <summary>Returns whether the number is a multiple of another that is not 0.</summary>
    public bool IsMultipleOf(DecimalNumber other)
    {
        int scale = Math.Max(Scale, other.Scale);
        return DigitsAt(scale) % other.DigitsAt(scale) == 0;
    }

    public override string ToString() =>
        (Sign < 0 ? "-" : "") + Whole + (Scale > 0 ? "." + Fraction : "");

    /// <summary>Returns the number times ten to the power of a scale that is at least its own.</summary>
    public BigInteger DigitsAt(int scale) => Digits * BigInteger.Pow(10, scale - Scale);
}
