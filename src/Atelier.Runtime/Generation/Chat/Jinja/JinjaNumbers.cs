using System.Globalization;

namespace Atelier.Generation.Chat.Jinja;

/// <summary>Converts and rounds numbers as Python does.</summary>
internal static class JinjaNumbers
{
    /// <summary>Rounds to a number of decimals, by the exact value of the number; halves to even.</summary>
    public static double Round(double number, int decimals)
    {
        if (!double.IsFinite(number) || decimals > 300)
            return number;
        if (decimals < 0)
        {
            double unit = Math.Pow(10, -Math.Max(decimals, -400));
            return double.IsFinite(unit) ? Math.Round(number / unit, MidpointRounding.ToEven) * unit : 0;
        }
        // 1074 decimals are exact for every double.
        string exact = Math.Abs(number).ToString("F1080", CultureInfo.InvariantCulture);
        int cut = exact.IndexOf('.', StringComparison.Ordinal) + 1 + decimals;
        string kept = exact[..cut].TrimEnd('.');
        ReadOnlySpan<char> rest = exact.AsSpan(cut);
        bool isHalf = rest[0] == '5' && rest[1..].TrimStart('0').IsEmpty;
        string text = (isHalf && (kept[^1] - '0') % 2 == 0) || rest[0] < '5' ? kept
            : Math.Abs(number).ToString($"F{decimals}", CultureInfo.InvariantCulture);
        double rounded = double.Parse(text, CultureInfo.InvariantCulture);
        return double.IsNegative(number) ? -rounded : rounded;
    }

    /// <summary>Returns a text or a number as a whole number, as Python's int does; null if it is none.</summary>
    public static long? Whole(object? value, int numberBase = 10) => value switch
    {
        long number => number,
        bool known => known ? 1 : 0,
        double number when double.IsFinite(number) && Math.Abs(number) < 9.2e18 => (long)number,
        string text => Parse(text.Trim().Replace("_", "", StringComparison.Ordinal), numberBase),
        _ => null,
    };

    /// <summary>Returns a text or a number as a number, as Python's float does; null if it is none.</summary>
    public static double? Real(object? value) => value is string text
        ? double.TryParse(text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
            ? number : null
        : JinjaComparer.Number(value);

    private static long? Parse(string text, int numberBase)
    {
        bool isNegative = text.StartsWith('-');
        string digits = text.TrimStart('-', '+').ToLowerInvariant();
        if (text.Length - digits.Length > 1 || numberBase is < 2 or > 36)
            return null;
        string prefix = numberBase switch { 16 => "0x", 8 => "0o", 2 => "0b", _ => "-" };
        if (digits.StartsWith(prefix, StringComparison.Ordinal))
            digits = digits[2..];
        long value = 0;
        foreach (char c in digits)
        {
            int digit = char.IsAsciiDigit(c) ? c - '0' : c is >= 'a' and <= 'z' ? c - 'a' + 10 : 99;
            if (digit >= numberBase || value > (long.MaxValue - digit) / numberBase)
                return null;
            value = (value * numberBase) + digit;
        }
        return digits.Length == 0 ? null : isNegative ? -value : value;
    }
}
