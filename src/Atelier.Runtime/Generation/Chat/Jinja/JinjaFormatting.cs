using System.Globalization;
using System.Text;

namespace Atelier.Generation.Chat.Jinja;

/// <summary>Inserts values into texts, as Python's str.format and its operator % do.</summary>
internal static class JinjaFormatting
{
    private const int Widest = 10_000;

    /// <summary>Inserts values at {}, {0} and {name}, which may have a specification such as {:.2f}.</summary>
    /// <exception cref="JinjaException">The text or a specification is unsupported, or a value is missing.</exception>
    public static string Format(JinjaRun run, string form, JinjaArguments given)
    {
        var text = new StringBuilder();
        int next = 0;
        for (int at = 0; at < form.Length; at++)
        {
            char c = form[at];
            if (c is not ('{' or '}'))
            {
                text.Append(c);
                continue;
            }
            if (at + 1 < form.Length && form[at + 1] == c)
            {
                text.Append(c);
                at++;
                continue;
            }
            int end = c == '{' ? form.IndexOf('}', at) : -1;
            if (end < 0)
                throw new JinjaException("a text for format has a single brace");
            string field = form[(at + 1)..end];
            at = end;
            int colon = field.IndexOf(':', StringComparison.Ordinal);
            string name = colon < 0 ? field : field[..colon], specification = colon < 0 ? "" : field[(colon + 1)..];
            string written = Written(run, Value(name), specification);
            run.Make(written.Length);
            text.Append(written);
        }
        return run.Made(text.ToString());

        object? Value(string name)
        {
            if (name.Length == 0 || int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            {
                int index = name.Length == 0 ? next++ : int.Parse(name, CultureInfo.InvariantCulture);
                return index < given.Positional.Count ? given.Positional[index]
                    : throw new JinjaException("a text for format needs more values");
            }
            return given.Named.TryGetValue(name, out object? value) ? value
                : throw new JinjaException($"a text for format has no value for '{name}'");
        }
    }

    /// <summary>Inserts values at %s, %d, %f and the like.</summary>
    /// <exception cref="JinjaException">The text is not supported, or does not fit the values.</exception>
    public static string Insert(JinjaRun run, string form, List<object?> values)
    {
        var text = new StringBuilder();
        int next = 0;
        for (int at = 0; at < form.Length; at++)
        {
            if (form[at] != '%')
            {
                text.Append(form[at]);
                continue;
            }
            int from = ++at;
            while (at < form.Length && (char.IsAsciiDigit(form[at]) || form[at] is '-' or '+' or '.'))
                at++;
            char kind = at < form.Length ? form[at] : '\0';
            if (kind == '%')
            {
                text.Append('%');
                continue;
            }
            if (kind is not ('s' or 'd' or 'i' or 'f' or 'x' or 'X') || next == values.Count)
                throw new JinjaException("a text with % needs %s, %d, %f or %x and as many values");
            object? value = values[next++];
            if (kind is 'd' or 'i' && value is double real)
                value = Whole(real);
            string flags = form[from..at], align = flags.StartsWith('-') ? "<" : ">";
            string written = Written(run, value,
                align + flags.TrimStart('-') + (kind == 'i' ? "d" : kind.ToString()));
            run.Make(written.Length);
            text.Append(written);
        }
        if (next < values.Count && !values.Exists(value => value is JinjaMap))
            throw new JinjaException("a text with % has fewer places than values");
        return run.Made(text.ToString());
    }

    /// <summary>Returns a number without its fraction.</summary>
    /// <exception cref="JinjaException">It is not a number of 64 bits.</exception>
    public static long Whole(double number) => Math.Abs(number) < 9.2e18 ? (long)number
        : throw new JinjaException("a number is too large for a whole number");

    /// <summary>Writes a value by a specification: [[fill]align][sign][0][width][,][.precision][type].</summary>
    private static string Written(JinjaRun run, object? value, string specification)
    {
        int at = 0;
        bool isNumber = JinjaComparer.Number(value) is not null && value is not bool;
        char fill = ' ', align = isNumber ? '>' : '<';
        if (specification.Length > 1 && specification[1] is '<' or '>' or '^' or '=')
            (fill, align, at) = (specification[0], specification[1], 2);
        else if (specification.Length > 0 && specification[0] is '<' or '>' or '^' or '=')
            (align, at) = (specification[0], 1);
        bool isSigned = Skip('+');
        if (Skip('0'))
            (fill, align) = ('0', isNumber ? '=' : align);
        int width = Number() ?? 0;
        bool isGrouped = Skip(',');
        int? precision = Skip('.') ? Number() ?? throw Unknown() : null;
        string type = specification[at..];
        string text = (value, type) switch
        {
            (string said, "" or "s") => precision is int most && most < said.Length ? said[..most] : said,
            (long whole, "" or "d") => whole.ToString(isGrouped ? "N0" : "D", CultureInfo.InvariantCulture),
            (long whole, "x" or "X") => whole < 0 ? throw Unknown()
                : whole.ToString(type, CultureInfo.InvariantCulture),
            (long or double, "f" or "%") => Fixed(),
            (double, "") when precision is null => JinjaValues.Text(run, value),
            (_, "" or "s") => JinjaValues.Text(run, value),
            _ => throw Unknown(),
        };
        if (isSigned && isNumber && text[0] != '-')
            text = "+" + text;
        int missing = Math.Max(0, width - text.Length);
        int left = align switch { '<' => 0, '^' => missing / 2, _ => missing };
        int sign = align == '=' && text is ['-' or '+', ..] ? 1 : 0;
        return text[..sign] + new string(fill, left) + text[sign..] + new string(fill, missing - left);

        string Fixed()
        {
            double number = JinjaComparer.Number(value)!.Value * (type == "%" ? 100 : 1);
            string form = FormattableString.Invariant($"{(isGrouped ? 'N' : 'F')}{precision ?? 6}");
            return JinjaNumbers.Round(number, precision ?? 6).ToString(form, CultureInfo.InvariantCulture)
                + (type == "%" ? "%" : "");
        }

        bool Skip(char c)
        {
            bool isNext = at < specification.Length && specification[at] == c;
            at += isNext ? 1 : 0;
            return isNext;
        }

        int? Number()
        {
            int from = at;
            while (at < specification.Length && char.IsAsciiDigit(specification[at]))
                at++;
            return from == at ? null : int.TryParse(specification.AsSpan(from, at - from), NumberStyles.None,
                CultureInfo.InvariantCulture, out int number) && number <= Widest ? number : throw Unknown();
        }

        JinjaException Unknown() =>
            new($"the format '{specification}' is not supported for {JinjaValues.Kind(value)}");
    }
}
