using System.Globalization;
using System.Text;

namespace Atelier.Generation.Chat.Jinja;

/// <summary>The methods of strings, as in Python.</summary>
internal static class JinjaTextMethods
{
    /// <summary>Returns a method of a string; null if strings have no method of that name.</summary>
    public static JinjaFunction? Find(string text, string name) => name switch
    {
        "upper" => (run, _) => run.Made(Upper(text)),
        "lower" or "casefold" => (run, _) => run.Made(text.ToLowerInvariant()),
        "capitalize" => (run, _) => run.Made(Capitalized(text)),
        "title" => (run, _) => run.Made(Titled(text)),
        "swapcase" => (run, _) => run.Made(string.Concat(text.Select(c =>
            char.IsUpper(c) ? char.ToLowerInvariant(c) : char.ToUpperInvariant(c)))),
        "strip" => (run, given) => run.Made(Strip(text, Characters(given), true, true)),
        "lstrip" => (run, given) => run.Made(Strip(text, Characters(given), true, false)),
        "rstrip" => (run, given) => run.Made(Strip(text, Characters(given), false, true)),
        "removeprefix" => (run, given) => run.Made(
            given.Text(0, "prefix") is var prefix && text.StartsWith(prefix, StringComparison.Ordinal)
                ? text[prefix.Length..] : text),
        "removesuffix" => (run, given) => run.Made(
            given.Text(0, "suffix") is var suffix && text.EndsWith(suffix, StringComparison.Ordinal)
                ? text[..^suffix.Length] : text),
        "startswith" => (run, given) => Any(run, given, part => text.StartsWith(part, StringComparison.Ordinal)),
        "endswith" => (run, given) => Any(run, given, part => text.EndsWith(part, StringComparison.Ordinal)),
        "split" => (run, given) => JinjaSplitting.Split(run, text, given, fromEnd: false),
        "rsplit" => (run, given) => JinjaSplitting.Split(run, text, given, fromEnd: true),
        "splitlines" => (run, given) => run.Made([.. JinjaSplitting.Lines(run, text, given.Flag(0, "keepends"))]),
        "partition" => (run, given) => JinjaSplitting.Partition(run, text, given.Text(0, "sep"), fromEnd: false),
        "rpartition" => (run, given) => JinjaSplitting.Partition(run, text, given.Text(0, "sep"), fromEnd: true),
        "replace" => (run, given) => Replace(run, text, given.Text(0, "old"), given.Text(1, "new"),
            given.Whole(2, "count", -1)),
        "join" => (run, given) => Join(run, text, JinjaValues.Items(run, given[0, "iterable"])),
        "find" => (run, given) => Find(run, text, given, fromEnd: false),
        "rfind" => (run, given) => Find(run, text, given, fromEnd: true),
        "index" => (run, given) => Index(run, text, given, fromEnd: false),
        "rindex" => (run, given) => Index(run, text, given, fromEnd: true),
        "count" => (run, given) => Count(run, text, given.Text(0, "sub")),
        "format" => (run, given) => JinjaFormatting.Format(run, text, given),
        "zfill" => (run, given) => Filled(run, text, given.Whole(0, "width", 0)),
        "ljust" => (run, given) => Padded(run, text, given, (_, missing) => missing),
        "rjust" => (run, given) => Padded(run, text, given, (_, _) => 0),
        "center" => (run, given) => Padded(run, text, given, (width, missing) =>
            missing - ((missing / 2) + (missing & width & 1))),
        "isdigit" or "isnumeric" or "isdecimal" => (_, _) => All(text, char.IsDigit),
        "isalpha" => (_, _) => All(text, char.IsLetter),
        "isalnum" => (_, _) => All(text, char.IsLetterOrDigit),
        "isspace" => (_, _) => All(text, char.IsWhiteSpace),
        "isupper" => (_, _) => IsUpper(text),
        "islower" => (_, _) => IsLower(text),
        "isascii" => (_, _) => text.All(char.IsAscii),
        _ => null,
    };

    /// <summary>Removes characters at the ends of a text; spaces if none are given.</summary>
    public static string Strip(string text, string? characters, bool start, bool end)
    {
        ReadOnlySpan<char> rest = text;
        ReadOnlySpan<char> set = characters;
        if (start)
            rest = characters is null ? rest.TrimStart() : rest.TrimStart(set);
        if (end)
            rest = characters is null ? rest.TrimEnd() : rest.TrimEnd(set);
        // An empty set of .NET means spaces; of Python it means none.
        return characters is { Length: 0 } || rest.Length == text.Length ? text : rest.ToString();
    }

    /// <summary>Returns a text with its first letter in upper case and the others in lower case.</summary>
    public static string Capitalized(string text) => text.Length == 0 ? text
        : char.ToUpperInvariant(text[0]) + text[1..].ToLowerInvariant();

    /// <summary>Returns whether a text has letters, all of them in upper case.</summary>
    public static bool IsUpper(string text) => text.Any(char.IsUpper) && !text.Any(char.IsLower);

    /// <summary>Returns whether a text has letters, all of them in lower case.</summary>
    public static bool IsLower(string text) => text.Any(char.IsLower) && !text.Any(char.IsUpper);

    /// <summary>Replaces a part of a text, at most as often as given; a negative count is no limit.</summary>
    public static string Replace(JinjaRun run, string text, string old, string by, long count)
    {
        run.Read(text.Length);
        var replaced = new StringBuilder();
        int from = 0;
        while (count != 0 && (old.Length > 0 || from <= text.Length))
        {
            // Python puts the new text before each character and at the end if the old one is empty.
            int at = old.Length == 0 ? from : text.IndexOf(old, from, StringComparison.Ordinal);
            if (at < 0)
                break;
            run.Make(by.Length + 1);
            replaced.Append(text, from, at - from).Append(by);
            from = at + old.Length;
            if (old.Length == 0)
            {
                if (from < text.Length)
                    replaced.Append(text[from]);
                from++;
            }
            count--;
        }
        if (from < text.Length)
            replaced.Append(text, from, text.Length - from);
        return run.Made(replaced.ToString());
    }

    /// <summary>Joins values with a text between them.</summary>
    /// <exception cref="JinjaException">A value is not a string.</exception>
    public static string Join(JinjaRun run, string separator, List<object?> items)
    {
        var joined = new StringBuilder();
        for (int i = 0; i < items.Count; i++)
        {
            string item = items[i] as string
                ?? throw new JinjaException($"join needs strings, and found {JinjaValues.Kind(items[i])}");
            run.Make(item.Length + separator.Length);
            joined.Append(i > 0 ? separator : "").Append(item);
        }
        return joined.ToString();
    }

    private static string Titled(string text)
    {
        var titled = new StringBuilder(text.Length);
        foreach (char c in text)
        {
            bool isInside = titled.Length > 0 && char.IsLetter(titled[^1]);
            titled.Append(isInside ? char.ToLowerInvariant(c) : char.ToUpperInvariant(c));
        }
        return titled.ToString();
    }

    /// <summary>Returns a text in upper case; the German sharp s has two letters there.</summary>
    public static string Upper(string text) =>
        text.ToUpperInvariant().Replace("ß", "SS", StringComparison.Ordinal);

    private static string? Characters(JinjaArguments given) =>
        !given.Has(0, "chars") || given[0, "chars"] is null ? null : given.Text(0, "chars");

    private static bool Any(JinjaRun run, JinjaArguments given, Func<string, bool> holds)
    {
        List<object?> parts = given[0, "prefix"] is JinjaTuple several ? several : [given.Text(0, "prefix")];
        foreach (object? part in parts)
        {
            string said = part as string ?? throw new JinjaException("a beginning or an end must be a string");
            run.Read(said.Length);
            if (holds(said))
                return true;
        }
        return false;
    }

    private static long Find(JinjaRun run, string text, JinjaArguments given, bool fromEnd)
    {
        string part = given.Text(0, "sub");
        run.Read(text.Length);
        int from = Bound(given.Whole(1, "start", 0)), to = Bound(given.Whole(2, "end", text.Length));
        if (from > to)
            return -1;
        ReadOnlySpan<char> searched = text.AsSpan(from, to - from);
        int at = fromEnd ? searched.LastIndexOf(part, StringComparison.Ordinal)
            : searched.IndexOf(part, StringComparison.Ordinal);
        return at < 0 ? -1 : at + from;

        int Bound(long at) => (int)Math.Clamp(at < 0 ? at + text.Length : at, 0, text.Length);
    }

    private static object Index(JinjaRun run, string text, JinjaArguments given, bool fromEnd) =>
        Find(run, text, given, fromEnd) is var at and >= 0 ? at
            : throw new JinjaException("the string does not contain the part");

    private static long Count(JinjaRun run, string text, string part)
    {
        run.Read(text.Length);
        return part.Length == 0 ? text.Length + 1 : text.AsSpan().Count(part);
    }

    private static string Filled(JinjaRun run, string text, long width)
    {
        int sign = text is ['+' or '-', ..] ? 1 : 0;
        long missing = Math.Max(0, width - text.Length);
        run.Make(text.Length + missing);
        return text[..sign] + new string('0', (int)missing) + text[sign..];
    }

    private static string Padded(JinjaRun run, string text, JinjaArguments given, Func<long, long, long> after)
    {
        long width = given.Whole(0, "width", 0), missing = Math.Max(0, width - text.Length);
        string fill = given.Has(1, "fillchar") ? given.Text(1, "fillchar") : " ";
        if (fill.Length != 1)
            throw new JinjaException("a text is filled with one character");
        run.Make(text.Length + missing);
        long right = after(width, missing);
        return new string(fill[0], (int)(missing - right)) + text + new string(fill[0], (int)right);
    }

    private static object All(string text, Func<char, bool> holds) => text.Length > 0 && text.All(holds);
}
