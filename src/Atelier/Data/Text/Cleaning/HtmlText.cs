using System.Net;
using System.Text.RegularExpressions;

namespace Atelier.Data.Text.Cleaning;

/// <summary>The text of HTML, as a reader would see it, without laying it out.</summary>
internal static partial class HtmlText
{
    private const int Patience = 60_000;

    /// <summary>
    /// Takes out what is not shown, breaks lines at block elements, and writes character references out.
    /// </summary>
    public static string Strip(string text)
    {
        if (!text.AsSpan().ContainsAny('<', '&'))
            return text;
        string shown = Hidden().Replace(text, "");
        shown = Tag().Replace(Block().Replace(shown, "\n"), "");
        return WebUtility.HtmlDecode(shown);
    }

    // A comparison sign that begins no tag stays: "a < b".
    [GeneratedRegex("<!--.*?-->|<(?<tag>script|style)\\b[^>]*>.*?</\\k<tag>\\s*>",
        RegexOptions.IgnoreCase | RegexOptions.Singleline, Patience)]
    private static partial Regex Hidden();

    [GeneratedRegex("</?(?:p|div|br|li|ul|ol|tr|table|h[1-6]|blockquote|section|article|hr)\\b[^>]*>",
        RegexOptions.IgnoreCase, Patience)]
    private static partial Regex Block();

    [GeneratedRegex("</?[a-z][^<>]*>|<![a-z][^<>]*>", RegexOptions.IgnoreCase, Patience)]
    private static partial Regex Tag();
}
