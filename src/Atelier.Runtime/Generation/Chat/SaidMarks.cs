using System.Text;

namespace Atelier.Generation.Chat;

/// <summary>
/// Tells what a template copied from messages: it renders twice, the second time with characters of the messages
/// replaced by marks, which are characters of the private use area. Where the two texts differ, a message was copied.
/// </summary>
internal sealed class SaidMarks
{
    private const char First = '\uE000';
    private readonly ChatEncoder _encoder;
    private readonly Dictionary<char, char> _marks = [];
    private readonly int _longest;
    private readonly HashSet<string> _beginnings, _ends; // of names, which a message may have at its end and beginning

    /// <summary>Makes a mark for each character that occurs in the name of a special token.</summary>
    public SaidMarks(ChatEncoder encoder)
    {
        _encoder = encoder;
        foreach (char c in encoder.Names.SelectMany(name => name))
        {
            if (_marks.Count < 0x1900) // the size of the area
                _marks.TryAdd(c, (char)(First + _marks.Count));
        }
        _longest = encoder.Names.Select(name => name.Length).DefaultIfEmpty().Max();
        _beginnings = [.. encoder.Names.SelectMany(name => Enumerable.Range(1, name.Length).Select(i => name[..i]))];
        _ends = [.. encoder.Names.SelectMany(name => Enumerable.Range(0, name.Length).Select(i => name[i..]))];
    }

    /// <summary>Returns a message with each character that may be part of a special token's name replaced.</summary>
    public string Whole(string said) => string.Create(said.Length, (said, _marks), static (span, state) =>
    {
        for (int i = 0; i < span.Length; i++)
            span[i] = state._marks.GetValueOrDefault(state.said[i], state.said[i]);
    });

    /// <summary>
    /// Returns a message with only the first character of each special token's name in it replaced, and those of parts
    /// of names at its ends, so that a template that looks into the message still finds what is no special token.
    /// </summary>
    public string Names(string said)
    {
        var marked = new StringBuilder(Inner(said));
        string rest = said.Trim();
        int first = said.Length - said.AsSpan().TrimStart().Length, last = first + rest.Length - 1;
        if (rest.Length > 0 && _encoder.Names.Any(name => name.Contains(rest, StringComparison.Ordinal)))
            Mark(first);
        for (int length = 1; length <= Math.Min(rest.Length, _longest); length++)
        {
            if (_ends.Contains(rest[..length]))
                Mark(first);
            if (_beginnings.Contains(rest[^length..]))
                Mark(last);
        }
        return marked.ToString();

        void Mark(int at) => marked[at] = _marks.GetValueOrDefault(said[at], said[at]);
    }

    /// <summary>Returns a text with only the first character of each special token's name in it replaced.</summary>
    public string Inner(string said)
    {
        var marked = new StringBuilder(said);
        for (int at = 0; at < said.Length; at++)
        {
            if (_encoder.NameAt(said, at) is not null)
                marked[at] = _marks.GetValueOrDefault(said[at], said[at]);
        }
        return marked.ToString();
    }

    /// <summary>Returns a rendered text whose parts of messages are known; null if the texts do not match.</summary>
    /// <param name="text">The rendered text.</param>
    /// <param name="marked">The text rendered with marks.</param>
    public static ChatText? Align(string text, string marked)
    {
        if (text.Length != marked.Length)
            return null;
        var chat = new ChatText();
        int from = 0;
        for (int at = 0; at < text.Length;)
        {
            int end = at;
            while (end < text.Length && text[end] != marked[end])
            {
                if (marked[end++] is < First or >= '\uF900')
                    return null;
            }
            if (end > at)
            {
                chat.Add(text[from..at], text[at..end], "");
                from = end;
            }
            at = end + 1;
        }
        chat.Add(text[Math.Min(from, text.Length)..]);
        return chat;
    }
}
