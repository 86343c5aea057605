using System.Globalization;
using System.Text;

namespace Atelier.Generation.Chat.Jinja;

/// <summary>Writes times by C's strftime, with English names.</summary>
internal static class JinjaTime
{
    /// <summary>Writes a time.</summary>
    /// <param name="time">The time.</param>
    /// <param name="form">The form, such as "%d %b %Y".</param>
    /// <exception cref="JinjaException">A mark of the form is not supported.</exception>
    public static string Format(DateTimeOffset time, string form)
    {
        var text = new StringBuilder();
        for (int at = 0; at < form.Length; at++)
        {
            if (form[at] != '%')
            {
                text.Append(form[at]);
                continue;
            }
            bool isShort = at + 1 < form.Length && form[at + 1] == '-'; // without leading zeros, as in %-d
            at += isShort ? 2 : 1;
            string mark = Mark(time, at < form.Length ? form[at] : '\0');
            text.Append(isShort && mark.Length > 1 ? mark[..^1].TrimStart('0') + mark[^1] : mark);
        }
        return text.ToString();
    }

    private static string Mark(DateTimeOffset time, char mark)
    {
        string? form = mark switch
        {
            'a' => "ddd",
            'A' => "dddd",
            'b' or 'h' => "MMM",
            'B' => "MMMM",
            'd' => "dd",
            'm' => "MM",
            'y' => "yy",
            'Y' => "yyyy",
            'H' => "HH",
            'I' => "hh",
            'M' => "mm",
            'S' => "ss",
            'f' => "ffffff",
            'p' => "tt",
            'F' => "yyyy-MM-dd",
            'T' => "HH:mm:ss",
            'D' => "MM/dd/yy",
            'R' => "HH:mm",
            _ => null,
        };
        return form is not null ? time.ToString(form, CultureInfo.InvariantCulture) : mark switch
        {
            '%' => "%",
            'n' => "\n",
            't' => "\t",
            'e' => time.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2),
            'j' => time.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
            'w' => ((int)time.DayOfWeek).ToString(CultureInfo.InvariantCulture),
            'u' => time.DayOfWeek == DayOfWeek.Sunday ? "7"
                : ((int)time.DayOfWeek).ToString(CultureInfo.InvariantCulture),
            'c' => time.ToString("ddd MMM ", CultureInfo.InvariantCulture) + Mark(time, 'e')
                + time.ToString(" HH:mm:ss yyyy", CultureInfo.InvariantCulture),
            'z' or 'Z' => "", // the time has no zone, as in Hugging Face's tools
            _ => throw new JinjaException($"strftime_now does not support %{mark}"),
        };
    }
}
