using System.Text;

namespace Atelier.Evaluation.Text;

/// <summary>How BLEU splits texts into tokens; the names in parentheses are those of sacreBLEU.</summary>
public enum BleuTokenization
{
    /// <summary>The tokenization of NIST's mteval-v13a, for Western languages (13a).</summary>
    Mteval13a,

    /// <summary>The tokenization of mteval-v14: all Unicode punctuation and symbols are tokens (intl).</summary>
    International,

    /// <summary>Chinese characters are tokens, and the rest is split as 13a does (zh).</summary>
    Chinese,

    /// <summary>All characters are tokens (char).</summary>
    Characters,

    /// <summary>The text is split at white space, for text that is tokenized already (none).</summary>
    None,
}

/// <summary>The tokenizations of sacreBLEU.</summary>
internal static class BleuTokenizer
{
    private static readonly Rune Space = new(' ');

    /// <summary>Returns the name that sacreBLEU has for a tokenization.</summary>
    public static string NameOf(BleuTokenization tokenization) => tokenization switch
    {
        BleuTokenization.International => "intl",
        BleuTokenization.Chinese => "zh",
        BleuTokenization.Characters => "char",
        BleuTokenization.None => "none",
        _ => "13a",
    };

    /// <summary>Splits a text into tokens.</summary>
    public static string[] Tokens(string text, BleuTokenization tokenization)
    {
        int end = text.Length;
        while (end > 0 && IsSpace(text[end - 1]))
            end--;
        text = text[..end];
        return tokenization switch
        {
            BleuTokenization.International => Words(International(Runes(text))),
            BleuTokenization.Chinese => Words(Western(Isolate(Runes(text), IsChinese))),
            BleuTokenization.Characters => Words(Isolate(Runes(text), _ => true)),
            BleuTokenization.None => Words(text),
            _ => Words(Western(Runes($" {Unescaped(text)} "))),
        };
    }

    /// <summary>Splits a text at white space, which is what Python's str.split takes for it.</summary>
    public static string[] Words(string text)
    {
        var words = new List<string>();
        for (int from = 0, at = 0; at <= text.Length; at++)
            if (at == text.Length || IsSpace(text[at]))
            {
                if (at > from)
                    words.Add(text[from..at]);
                from = at + 1;
            }
        return [.. words];
    }

    private static string[] Words(List<Rune> text)
    {
        var builder = new StringBuilder();
        foreach (Rune rune in text)
            builder.Append(rune);
        return Words(builder.ToString());
    }

    private static List<Rune> Runes(string text) => [.. text.EnumerateRunes()];

    private static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\u001c' and <= '\u001f';

    /// <summary>Removes what mteval-v13a removes: marks of skipped text, broken lines and escapes.</summary>
    private static string Unescaped(string text) => text.Replace("<skipped>", "", StringComparison.Ordinal)
        .Replace("-\n", "", StringComparison.Ordinal).Replace('\n', ' ')
        .Replace("&quot;", "\"", StringComparison.Ordinal).Replace("&amp;", "&", StringComparison.Ordinal)
        .Replace("&lt;", "<", StringComparison.Ordinal).Replace("&gt;", ">", StringComparison.Ordinal);

    /// <summary>ASCII marks are tokens; full stops and commas unless they follow or precede a digit.</summary>
    private static List<Rune> Western(List<Rune> text)
    {
        List<Rune> marked = Isolate(text, r => r.Value is (>= '{' and <= '~') or (>= '[' and <= '`')
            or (>= ' ' and <= '&') or (>= '(' and <= '+') or (>= ':' and <= '@') or '/');
        List<Rune> afterOther = Part(marked, r => !IsDigit(r), IsStop, markIsFirst: false);
        List<Rune> beforeOther = Part(afterOther, IsStop, r => !IsDigit(r), markIsFirst: true);
        return Part(beforeOther, IsDigit, r => r.Value == '-', markIsFirst: false);

        static bool IsDigit(Rune r) => r.Value is >= '0' and <= '9';
        static bool IsStop(Rune r) => r.Value is '.' or ',';
    }

    /// <summary>Symbols are tokens, and punctuation unless it is between numbers.</summary>
    private static List<Rune> International(List<Rune> text)
    {
        List<Rune> afterOther = Part(text, r => !Rune.IsNumber(r), Rune.IsPunctuation, markIsFirst: false);
        List<Rune> beforeOther = Part(afterOther, Rune.IsPunctuation, r => !Rune.IsNumber(r), markIsFirst: true);
        return Isolate(beforeOther, Rune.IsSymbol);
    }

    private static List<Rune> Isolate(List<Rune> text, Func<Rune, bool> isToken) =>
        [.. text.SelectMany(rune => isToken(rune) ? [Space, rune, Space] : new[] { rune })];

    /// <summary>Parts a mark from its neighbour. Pairs are found from left to right and do not overlap.</summary>
    private static List<Rune> Part(List<Rune> text, Func<Rune, bool> isFirst, Func<Rune, bool> isSecond,
        bool markIsFirst)
    {
        var parted = new List<Rune>(text.Count * 2);
        for (int i = 0; i < text.Count; i++)
            if (i + 1 < text.Count && isFirst(text[i]) && isSecond(text[i + 1]))
            {
                Rune[] pair = markIsFirst ? [Space, text[i], Space, text[i + 1]]
                    : [text[i], Space, text[i + 1], Space];
                parted.AddRange(pair);
                i++;
            }
            else
            {
                parted.Add(text[i]);
            }
        return parted;
    }

    /// <summary>
    /// Whether sacreBLEU takes a character for Chinese. Its range U+2001 to U+2A6D, of dashes, quotation marks and
    /// mathematical signs, stands where extension B (U+20000 to U+2A6D6) was meant; scores depend on it.
    /// </summary>
    private static bool IsChinese(Rune rune) => rune.Value is (>= 0x2001 and <= 0x2A6D) or (>= 0x2E80 and <= 0x2FDF)
        or (>= 0x2FF0 and <= 0x303F) or (>= 0x3100 and <= 0x312F) or (>= 0x31A0 and <= 0x31BF)
        or (>= 0x31C0 and <= 0x31EF) or (>= 0x3200 and <= 0x33FF) or (>= 0x3400 and <= 0x4DB5)
        or (>= 0x4E00 and <= 0x9FBB) or (>= 0xF900 and <= 0xFA2D) or (>= 0xFA30 and <= 0xFA6A)
        or (>= 0xFA70 and <= 0xFAD9) or (>= 0xFE10 and <= 0xFE1F) or (>= 0xFE30 and <= 0xFE4F)
        or (>= 0xFF00 and <= 0xFFEF);
}
