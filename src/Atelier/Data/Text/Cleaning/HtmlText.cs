using System.Net;
using System.Text.RegularExpressions;

namespace Atelier.Data.Text.Cleaning;

/// <summary>Extracts the visible text of HTML.</summary>
internal static partial class HtmlText
{
    private const int TimeoutMs = 60_000;

    /// <summary>
    /// Removes tags, comments, scripts and styles, breaks lines at block elements, and decodes character references.
    /// </summary>
    public static string Strip(string text)
    {
        if (!text.AsSpan().ContainsAny('<', '&'))
            return text;
        string shown = Hidden().Replace(text, "");
        shown = Tag().Replace(Block().Replace(shown, "\n"), "");
        return WebUtility.HtmlDecode(shown);
    }

    // A "<" that does not begin a tag is kept, as in "a < b".
    [GeneratedRegex("<!--.*?-->|<(?<tag>script|style)\\b[^>]*>.*?</\\k<tag>\\s*>",
        RegexOptions.IgnoreCase | RegexOptions.Singleline, TimeoutMs)]
    private static partial Regex Hidden();

    [GeneratedRegex("</?(?:p|div|br|li|ul|ol|tr|table|h[1-6]|blockquote|section|article|hr)\\b[^>]*>",
        RegexOptions.IgnoreCase, TimeoutMs)]
    private static partial Regex Block();

    [GeneratedRegex("</?[a-z][^<>]*>|<![a-z][^<>]*>", RegexOptions.IgnoreCase, TimeoutMs)]
    private static partial Regex Tag();
}
