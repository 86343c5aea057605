namespace Atelier.Generation.Chat.Jinja;

/// <summary>Splits strings as Python's split, rsplit, splitlines, partition and rpartition do.</summary>
internal static class JinjaSplitting
{
    /// <summary>Splits a text at a separator, or at spaces if there is none (or it is none).</summary>
    /// <param name="run">The rendering.</param>
    /// <param name="text">The text.</param>
    /// <param name="given">The arguments: sep and maxsplit.</param>
    /// <param name="fromEnd">Whether the splits nearest to the end are made if their number is limited.</param>
    /// <exception cref="JinjaException">The separator is empty.</exception>
    public static List<object?> Split(JinjaRun run, string text, JinjaArguments given, bool fromEnd)
    {
        string? separator = given.Has(0, "sep") && given[0, "sep"] is not null ? given.Text(0, "sep") : null;
        long most = given.Whole(1, "maxsplit", -1);
        run.Read(text.Length);
        if (separator is { Length: 0 })
            throw new JinjaException("a text cannot be split at an empty string");
        List<(int From, int To)> cuts = separator is null ? Blanks(text) : Cuts(text, separator, fromEnd);
        bool keepsRest = most >= 0 && most <= cuts.Count;
        if (keepsRest)
            cuts = [.. fromEnd ? cuts.TakeLast((int)most) : cuts.Take((int)most)];
        run.Make(text.Length);
        run.Step(cuts.Count);
        List<object?> parts = [];
        int from = 0;
        foreach ((int start, int end) in cuts)
        {
            parts.Add(text[from..start]);
            from = end;
        }
        parts.Add(text[from..]);
        if (separator is null)
        {
            // What is left over by a limit keeps the spaces at its end of the text.
            if (!fromEnd || !keepsRest)
                parts[0] = ((string)parts[0]!).TrimStart();
            if (fromEnd || !keepsRest)
                parts[^1] = ((string)parts[^1]!).TrimEnd();
            parts.RemoveAll(part => part is "");
        }
        return parts;
    }

    /// <summary>Splits a text into lines.</summary>
    public static List<string> Lines(JinjaRun run, string text, bool keepsEnds)
    {
        run.Read(text.Length);
        run.Make(text.Length);
        List<string> lines = [];
        for (int from = 0; from < text.Length;)
        {
            int end = from;
            while (end < text.Length && text[end] is not ('\n' or '\r' or '\v' or '\f' or '\x1c' or '\x1d' or '\x1e'
                or '\x85' or '\u2028' or '\u2029'))
                end++;
            int next = Math.Min(text.Length, end + 1);
            if (end + 1 < text.Length && text[end] == '\r' && text[end + 1] == '\n')
                next++;
            lines.Add(text[from..(keepsEnds ? next : end)]);
            from = next;
        }
        run.Step(lines.Count);
        return lines;
    }

    /// <summary>Splits a text at the first or last separator: the text before it, it, and the text after it.</summary>
    /// <exception cref="JinjaException">The separator is empty.</exception>
    public static JinjaTuple Partition(JinjaRun run, string text, string separator, bool fromEnd)
    {
        if (separator.Length == 0)
            throw new JinjaException("a text cannot be split at an empty string");
        run.Read(text.Length);
        run.Make(text.Length);
        int at = fromEnd ? text.LastIndexOf(separator, StringComparison.Ordinal)
            : text.IndexOf(separator, StringComparison.Ordinal);
        return at >= 0 ? new JinjaTuple([text[..at], separator, text[(at + separator.Length)..]])
            : new JinjaTuple(fromEnd ? ["", "", text] : [text, "", ""]);
    }

    private static List<(int From, int To)> Cuts(string text, string separator, bool fromEnd)
    {
        List<(int, int)> cuts = [];
        if (!fromEnd)
        {
            for (int at = 0; (at = text.IndexOf(separator, at, StringComparison.Ordinal)) >= 0; at += separator.Length)
                cuts.Add((at, at + separator.Length));
            return cuts;
        }
        ReadOnlySpan<char> rest = text;
        for (int at; (at = rest.LastIndexOf(separator, StringComparison.Ordinal)) >= 0; rest = rest[..at])
            cuts.Add((at, at + separator.Length));
        cuts.Reverse();
        return cuts;
    }

    /// <summary>Returns the runs of spaces between words.</summary>
    private static List<(int From, int To)> Blanks(string text)
    {
        List<(int, int)> cuts = [];
        int first = text.Length - text.AsSpan().TrimStart().Length, last = text.AsSpan().TrimEnd().Length;
        for (int at = first; at < last; at++)
        {
            int from = at;
            while (at < last && char.IsWhiteSpace(text[at]))
                at++;
            if (at > from)
                cuts.Add((from, at));
        }
        return cuts;
    }
}
