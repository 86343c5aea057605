using System.Globalization;

namespace Atelier;

/// <summary>Formats counts for messages: "1 step", "2 steps", "12,000 pictures".</summary>
public static class Quantity
{
    /// <summary>Returns a count with its noun, in the singular for 1 and in the plural otherwise.</summary>
    /// <param name="count">The count, written with commas between thousands.</param>
    /// <param name="noun">The noun in the singular.</param>
    /// <param name="plural">The plural; null forms the regular plural in -s, -es or -ies.</param>
    public static string Of(long count, string noun, string? plural = null) =>
        string.Create(CultureInfo.InvariantCulture, $"{count:#,0} {(count == 1 ? noun : plural ?? Plural(noun))}");

    /// <summary>Returns a duration in seconds, minutes or hours, with one decimal: "3.2 s", "21.9 minutes".</summary>
    /// <param name="seconds">The duration in seconds.</param>
    public static string Duration(double seconds) => seconds switch
    {
        < 120 => FormattableString.Invariant($"{seconds:0.#} s"),
        < 7200 => FormattableString.Invariant($"{seconds / 60:0.#} minutes"),
        _ => FormattableString.Invariant($"{seconds / 3600:0.#} hours"),
    };

    private static string Plural(string noun) => noun switch
    {
        [.., 's' or 'x' or 'z'] or [.., 's' or 'c', 'h'] => noun + "es",
        [.., not ('a' or 'e' or 'i' or 'o' or 'u'), 'y'] => noun[..^1] + "ies",
        _ => noun + "s",
    };
}
