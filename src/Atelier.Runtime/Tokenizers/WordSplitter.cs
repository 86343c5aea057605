using System.Buffers;
using System.Globalization;
using System.Text;

namespace Atelier.Tokenizers;

/// <summary>
/// Splits text into the words that byte pair encoding never joins across, by hand and by Unicode scalar values, since
/// .NET's regular expressions see the halves of characters beyond U+FFFF.
/// </summary>
internal static class WordSplitter
{
    // Radford et al. 2019.
    private const string Gpt2Pattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    private static readonly string[] Endings = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];

    private enum Class
    {
        Space,
        Letter,
        Number,
        Other,
    }

    /// <summary>The regular expression that files name rules by; null for those that they name otherwise.</summary>
    public static string? Pattern(WordSplit split) => split switch
    {
        WordSplit.Llama3 => Pattern("{1,3}"),
        WordSplit.Qwen2 => Pattern(""),
        _ => null,
    };

    /// <summary>The rules that a regular expression names, or null where it is not known.</summary>
    public static WordSplit? Of(string pattern) => pattern == Gpt2Pattern ? WordSplit.Gpt2
        : Enum.GetValues<WordSplit>().Where(split => Pattern(split) == pattern).Select(split =>
            (WordSplit?)split).FirstOrDefault();

    /// <summary>The length of the first word of a text that is not empty.</summary>
    public static int First(ReadOnlySpan<char> text, WordSplit split = WordSplit.Gpt2) =>
        split switch
    {
        WordSplit.Gpt2 => FirstOfGpt2(text, digitsAlone: false),
        WordSplit.Gpt2Digits => FirstOfGpt2(text, digitsAlone: true),
        _ => FirstOfLlama3(text, split == WordSplit.Llama3 ? 3 : 1),
    };

    private static string Pattern(string numbers) =>
        $@"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{numbers}"
            + @"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>
    /// <see cref="Gpt2Pattern"/>, alternative by alternative. Where digits stand alone, the text is cut at each of them
    /// first: nothing before one sees it.
    /// </summary>
    private static int FirstOfGpt2(ReadOnlySpan<char> text, bool digitsAlone)
    {
        if (Ending(text, StringComparison.Ordinal) is > 0 and int ending)
            return ending;
        Class kind = ClassOf(text, out int used);
        if (kind == Class.Space)
        {
            int spaces = Run(text, Class.Space);
            // White space before a word: its last character goes with the word if it is a space, and alone if not.
            if (spaces == text.Length || (digitsAlone && ClassOf(text[spaces..], out _) == Class.Number))
                return spaces;
            if (spaces > 1)
                return spaces - 1;
            if (text[0] != ' ')
                return 1;
            kind = ClassOf(text[1..], out used);
            return 1 + used + Run(text[(1 + used)..], kind);
        }
        return digitsAlone && kind == Class.Number ? used : used + Run(text[used..], kind);
    }

    /// <summary>The expression of <see cref="Pattern(WordSplit)"/>, alternative by alternative.</summary>
    private static int FirstOfLlama3(ReadOnlySpan<char> text, int numbersTogether)
    {
        if (Ending(text, StringComparison.OrdinalIgnoreCase) is > 0 and int ending)
            return ending;
        Class kind = ClassOf(text, out int used);
        if (kind == Class.Letter)
            return Run(text, Class.Letter);
        // Letters may have one sign or space before them, but no line end.
        if (kind != Class.Number && text[0] is not ('\r' or '\n') && used < text.Length
            && ClassOf(text[used..], out _) == Class.Letter)
            return used + Run(text[used..], Class.Letter);
        if (kind == Class.Number)
            return Run(text, Class.Number, numbersTogether);
        int lead = text[0] == ' ' ? 1 : 0;
        int others = lead < text.Length ? Run(text[lead..], Class.Other) : 0;
        if (others > 0)
        {
            int end = lead + others;
            while (end < text.Length && text[end] is ('\r' or '\n'))
                end++;
            return end;
        }
        int spaces = Run(text, Class.Space), line = text[..spaces].LastIndexOfAny('\r', '\n');
        if (line >= 0)
            return line + 1;
        return spaces == text.Length || spaces == 1 ? spaces : spaces - 1;
    }

    private static int Ending(ReadOnlySpan<char> text, StringComparison comparison)
    {
        if (text[0] != '\'')
            return 0;
        foreach (string ending in Endings)
        {
            if (text.StartsWith(ending, comparison))
                return ending.Length;
        }
        return 0;
    }

    private static int Run(ReadOnlySpan<char> text, Class kind, int most = int.MaxValue)
    {
        int length = 0;
        for (int count = 0; count < most && length < text.Length
            && ClassOf(text[length..], out int used) == kind; count++)
            length += used;
        return length;
    }

    private static Class ClassOf(ReadOnlySpan<char> text, out int used)
    {
        char first = text[0];
        used = 1;
        if (first < 128)
            return char.IsAsciiLetter(first) ? Class.Letter : char.IsAsciiDigit(first) ? Class.Number
                : char.IsWhiteSpace(first) ? Class.Space : Class.Other;
        if (Rune.DecodeFromUtf16(text, out Rune rune, out used) != OperationStatus.Done)
            return Class.Other; // a lone surrogate
        return Rune.GetUnicodeCategory(rune) switch
        {
            UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
                or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => Class.Letter,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber =>
                Class.Number,
            _ => Rune.IsWhiteSpace(rune) ? Class.Space : Class.Other,
        };
    }
}
