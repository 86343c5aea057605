using System.Text;

namespace Atelier.Generation.Chat.Jinja;

/// <summary>The filters of Jinja that make texts.</summary>
internal static class JinjaTextFilters
{
    public static object? Join(JinjaRun run, object? value, JinjaArguments given)
    {
        string separator = given.Has(0, "d") ? JinjaValues.Text(run, given[0, "d"]) : "";
        object? attribute = given.Has(1, "attribute") ? given[1, "attribute"] : null;
        IEnumerable<object?> items = JinjaValues.Items(run, value)
            .Select(item => attribute is null ? item : JinjaListFilters.Attribute(run, item, attribute));
        return JinjaTextMethods.Join(run, separator, [.. items.Select(item => (object?)JinjaValues.Text(run, item))]);
    }

    public static object? Title(JinjaRun run, object? value, JinjaArguments given)
    {
        var text = new StringBuilder(run.Made(JinjaValues.Text(run, value)));
        for (int i = 0; i < text.Length; i++)
        {
            bool begins = i == 0 || text[i - 1] is '-' or '(' or '{' or '[' or '<' || char.IsWhiteSpace(text[i - 1]);
            text[i] = begins ? char.ToUpperInvariant(text[i]) : char.ToLowerInvariant(text[i]);
        }
        return text.ToString();
    }

    public static object? Indent(JinjaRun run, object? value, JinjaArguments given)
    {
        string text = JinjaValues.Text(run, value);
        string space = given[0, "width"] is string own ? own : Spaces(run, given.Whole(0, "width", 4));
        bool first = given.Flag(1, "first"), blank = given.Flag(2, "blank");
        List<string> lines = JinjaSplitting.Lines(run, text + "\n", keepsEnds: false);
        var indented = new StringBuilder(first ? space : "");
        for (int i = 0; i < lines.Count; i++)
        {
            run.Make(lines[i].Length + space.Length + 1);
            indented.Append(i > 0 ? "\n" : "").Append(i > 0 && (blank || lines[i].Length > 0) ? space : "")
                .Append(lines[i]);
        }
        return indented.ToString();
    }

    public static object? Center(JinjaRun run, object? value, JinjaArguments given)
    {
        string text = JinjaValues.Text(run, value);
        long width = given.Whole(0, "width", 80), missing = Math.Max(0, width - text.Length);
        long left = (missing / 2) + (missing & width & 1);
        return run.Made(Spaces(run, left) + text + Spaces(run, missing - left));
    }

    public static object? Truncate(JinjaRun run, object? value, JinjaArguments given)
    {
        string text = JinjaValues.Text(run, value), end = given.Has(2, "end") ? given.Text(2, "end") : "...";
        long length = given.Whole(0, "length", 255), leeway = given.Whole(3, "leeway", 5);
        if (length < end.Length || leeway < 0)
            throw new JinjaException("truncate needs a length of at least that of its end");
        if (text.Length <= length + leeway)
            return text;
        string kept = text[..(int)(length - end.Length)];
        int space = given.Flag(1, "killwords") ? -1 : kept.LastIndexOf(' ');
        return run.Made((space < 0 ? kept : kept[..space]) + end);
    }

    public static object? Escape(JinjaRun run, object? value, JinjaArguments given) =>
        run.Made(run.Made(JinjaValues.Text(run, value)).Replace("&", "&amp;", StringComparison.Ordinal)
            .Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal)
            .Replace("'", "&#39;", StringComparison.Ordinal).Replace("\"", "&#34;", StringComparison.Ordinal));

    public static object? UrlEncode(JinjaRun run, object? value, JinjaArguments given)
    {
        string text = JinjaValues.Text(run, value);
        run.Make(text.Length * 9L); // three bytes of three characters each at most
        return Uri.EscapeDataString(text).Replace("%2F", "/", StringComparison.Ordinal);
    }

    public static object? CountWords(JinjaRun run, object? value, JinjaArguments given)
    {
        string text = JinjaValues.Text(run, value);
        run.Read(text.Length);
        bool isInside = false;
        long words = 0;
        foreach (char c in text)
        {
            bool isWord = char.IsLetterOrDigit(c) || c == '_';
            words += isWord && !isInside ? 1 : 0;
            isInside = isWord;
        }
        return words;
    }

    private static string Spaces(JinjaRun run, long count)
    {
        run.Make(Math.Max(0, count));
        return new string(' ', (int)Math.Max(0, count));
    }
}
