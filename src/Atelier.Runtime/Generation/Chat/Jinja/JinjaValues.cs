using System.Globalization;
using System.Text;

namespace Atelier.Generation.Chat.Jinja;

/// <summary>
/// The values of a template: strings, whole numbers, floating-point numbers, booleans, null (none), lists, tuples,
/// dictionaries, namespaces, functions and the undefined value. Positions in strings count code points, as in Python.
/// </summary>
internal static class JinjaValues
{
    /// <summary>The value of an undefined name.</summary>
    public static readonly object Undefined = new();

    /// <summary>Returns a .NET value as a template's value.</summary>
    public static object? From(object? value) => value switch
    {
        IReadOnlyDictionary<string, object?> map => FromMap(map),
        IEnumerable<object?> list => list.Select(From).ToList(),
        int number => (long)number,
        _ => value,
    };

    public static bool IsTrue(object? value) => value switch
    {
        null => false,
        bool known => known,
        long number => number != 0,
        double number => number != 0,
        string text => text.Length > 0,
        List<object?> list => list.Count > 0,
        JinjaMap map => map.Count > 0,
        _ => value != Undefined,
    };

    /// <summary>Returns a value as text, as Python's str does.</summary>
    public static string Text(JinjaRun run, object? value)
    {
        if (value is string whole)
            return whole;
        if (value == Undefined)
            return "";
        var text = new StringBuilder();
        Represent(run, text, value);
        return run.Made(text.ToString());
    }

    /// <summary>Returns the items of a list, the keys of a dictionary or the characters of a string.</summary>
    /// <exception cref="JinjaException">The value has no items.</exception>
    public static List<object?> Items(JinjaRun run, object? value)
    {
        switch (value)
        {
            case List<object?> list:
                return list;
            case JinjaMap map:
                run.Step(map.Count);
                return [.. map.Keys];
            case string text:
                run.Step(text.Length);
                return [.. text.EnumerateRunes().Select(rune => rune.ToString())];
            default:
                return value == Undefined ? [] : throw new JinjaException($"{Kind(value)} has no items");
        }
    }

    /// <summary>Returns an attribute or an item of a value.</summary>
    public static object? Member(JinjaRun run, object? value, object? key, bool isAttribute)
    {
        if (isAttribute && key is string attribute && JinjaMethods.Find(value, attribute) is { } method)
            return method;
        object? item = (value, key) switch
        {
            (JinjaMap map, string or long or bool) => map[key],
            (JinjaSpace space, string name) => space.Values.TryGetValue(name, out object? found) ? found : Undefined,
            (JinjaLoop loop, string name) => loop.Member(run, name),
            (List<object?> list, long index) => Place(index, list.Count) is int at ? list[at] : Undefined,
            (string text, long index) => Character(run, text, index),
            _ => Undefined,
        };
        return item == Undefined && key is string member && !isAttribute && JinjaMethods.Find(value, member)
            is { } late ? late : item;
    }

    /// <summary>Returns a slice of a list or a string.</summary>
    public static object? Slice(JinjaRun run, object? value, long? from, long? to, long? step)
    {
        long by = step ?? 1;
        if (by == 0)
            throw new JinjaException("the step of a slice must not be zero");
        if (value is string text && !HasSurrogates(run, text))
        {
            var picked = new StringBuilder();
            foreach (int at in Places(text.Length))
                picked.Append(text[at]);
            return run.Made(picked.ToString());
        }
        List<object?> items = value is string or List<object?> ? Items(run, value)
            : throw new JinjaException($"{Kind(value)} cannot be sliced");
        List<object?> part = [.. Places(items.Count).Select(at => items[at])];
        run.Made(part);
        return value is string ? run.Made(string.Concat(part.Cast<string>()))
            : value is JinjaTuple ? new JinjaTuple(part) : part;

        IEnumerable<int> Places(int length)
        {
            long lowest = by > 0 ? 0 : -1, highest = by > 0 ? length : length - 1;
            long at = Bound(from, by > 0 ? lowest : highest), end = Bound(to, by > 0 ? highest : lowest);
            for (; by > 0 ? at < end : at > end; at += Math.Clamp(by, int.MinValue, int.MaxValue))
                yield return (int)at;

            long Bound(long? bound, long otherwise) =>
                bound is long b ? Math.Clamp(b < 0 ? b + length : b, lowest, highest) : otherwise;
        }
    }

    /// <summary>Returns the number of items or of code points.</summary>
    public static long Length(JinjaRun run, object? value) => value switch
    {
        string text => HasSurrogates(run, text) ? text.EnumerateRunes().Count() : text.Length,
        List<object?> list => list.Count,
        JinjaMap map => map.Count,
        _ when value == Undefined => 0,
        _ => throw new JinjaException($"{Kind(value)} has no length"),
    };

    /// <summary>Returns the name of a value's type, for errors.</summary>
    public static string Kind(object? value) => value switch
    {
        null => "none",
        bool => "a boolean",
        long => "a whole number",
        double => "a number",
        string => "a string",
        JinjaTuple => "a tuple",
        List<object?> => "a list",
        JinjaMap => "a dictionary",
        JinjaSpace => "a namespace",
        JinjaFunction => "a function",
        JinjaLoop => "the variable loop",
        _ => "an undefined value",
    };

    /// <summary>Returns a number as Python's repr does.</summary>
    public static string Number(double number)
    {
        if (!double.IsFinite(number))
            return double.IsNaN(number) ? "nan" : number > 0 ? "inf" : "-inf";
        string shortest = number.ToString("E16", CultureInfo.InvariantCulture);
        int exponent = int.Parse(shortest[(shortest.IndexOf('E', StringComparison.Ordinal) + 1)..],
            CultureInfo.InvariantCulture);
        string text = number.ToString("R", CultureInfo.InvariantCulture);
        int e = text.IndexOf('E', StringComparison.Ordinal);
        string digits = (e < 0 ? text : text[..e]).Replace("-", "", StringComparison.Ordinal)
            .Replace(".", "", StringComparison.Ordinal).TrimStart('0').TrimEnd('0');
        string sign = double.IsNegative(number) ? "-" : "";
        if (digits.Length == 0)
            return sign + "0.0";
        if (exponent is < -4 or >= 16)
        {
            string fraction = digits.Length > 1 ? "." + digits[1..] : "";
            return FormattableString.Invariant(
                $"{sign}{digits[0]}{fraction}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}");
        }
        if (exponent < 0)
            return sign + "0." + new string('0', -exponent - 1) + digits;
        digits = digits.PadRight(exponent + 1, '0');
        return sign + digits[..(exponent + 1)] + "." + (digits.Length > exponent + 1 ? digits[(exponent + 1)..] : "0");
    }

    /// <summary>Returns a position, counted from the end if negative; null if it is outside.</summary>
    public static int? Place(long index, int length) =>
        (index < 0 ? index + length : index) is >= 0 and long at && at < length ? (int)at : null;

    private static JinjaMap FromMap(IReadOnlyDictionary<string, object?> values)
    {
        var map = new JinjaMap();
        foreach ((string key, object? value) in values)
            map[key] = From(value);
        return map;
    }

    private static object? Character(JinjaRun run, string text, long index)
    {
        if (!HasSurrogates(run, text))
            return Place(index, text.Length) is int at ? text[at].ToString() : Undefined;
        List<object?> characters = Items(run, text);
        return Place(index, characters.Count) is int place ? characters[place] : Undefined;
    }

    private static bool HasSurrogates(JinjaRun run, string text)
    {
        run.Read(text.Length);
        return text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') >= 0;
    }

    /// <summary>Appends a value as Python's repr does.</summary>
    private static void Represent(JinjaRun run, StringBuilder text, object? value)
    {
        run.Enter();
        int before = text.Length;
        switch (value)
        {
            case null:
                text.Append("None");
                break;
            case bool known:
                text.Append(known ? "True" : "False");
                break;
            case long number:
                text.Append(number.ToString(CultureInfo.InvariantCulture));
                break;
            case double number:
                text.Append(Number(number));
                break;
            case string said:
                run.Make(said.Length);
                Quote(text, said);
                break;
            case List<object?> list:
                text.Append(list is JinjaTuple ? '(' : '[');
                for (int i = 0; i < list.Count; i++)
                {
                    text.Append(i > 0 ? ", " : "");
                    Represent(run, text, list[i]);
                }
                text.Append(list is JinjaTuple ? list.Count == 1 ? ",)" : ")" : "]");
                break;
            case JinjaMap map:
                text.Append('{');
                foreach ((object key, object? item) in map.Items)
                {
                    text.Append(text[^1] == '{' && text.Length == before + 1 ? "" : ", ");
                    Represent(run, text, key);
                    text.Append(": ");
                    Represent(run, text, item);
                }
                text.Append('}');
                break;
            default:
                if (value != Undefined)
                    throw new JinjaException($"{Kind(value)} cannot be written as text");
                text.Append("Undefined");
                break;
        }
        run.Leave();
    }

    private static void Quote(StringBuilder text, string said)
    {
        char quote = said.Contains('\'', StringComparison.Ordinal) && !said.Contains('"', StringComparison.Ordinal)
            ? '"' : '\'';
        text.Append(quote);
        for (int at = 0; at < said.Length;)
        {
            bool isWhole = Rune.TryGetRuneAt(said, at, out Rune rune); // false for a lone surrogate
            int length = isWhole ? rune.Utf16SequenceLength : 1, code = isWhole ? rune.Value : said[at];
            if (code == '\\' || code == quote)
                text.Append('\\').Append(said[at]);
            else if (code is '\n' or '\r' or '\t')
                text.Append('\\').Append(code == '\n' ? 'n' : code == '\r' ? 'r' : 't');
            else if (isWhole && IsPrintable(rune))
                text.Append(said, at, length);
            else
                text.Append('\\').Append(code < 0x100 ? 'x' : code < 0x10000 ? 'u' : 'U')
                    .Append(code.ToString(code < 0x100 ? "x2" : code < 0x10000 ? "x4" : "x8",
                        CultureInfo.InvariantCulture));
            at += length;
        }
        text.Append(quote);
    }

    private static bool IsPrintable(Rune rune) => rune.Value == ' ' || Rune.GetUnicodeCategory(rune) is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
        or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.SpaceSeparator);
}
