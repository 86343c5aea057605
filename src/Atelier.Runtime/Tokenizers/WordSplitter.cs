using System.Buffers;
using System.Globalization;
using System.Text;

namespace Atelier.Tokenizers;

/// <summary>
/// Splits text into words, which merges of byte pair encoding do not cross. It is written by hand over Unicode scalar
/// values because .NET's regular expressions work on UTF-16 units, which split characters beyond U+FFFF.
/// </summary>
internal static class WordSplitter
{
    /// <summary>The expression of Radford et al. 2019.</summary>
    public const string Gpt2Pattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    private static readonly string[] Endings = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];

    private enum Class
    {
        Space,
        Letter,
        Number,
        Other,
    }

    /// <summary>
    /// Returns the regular expression that identifies rules in files; null for rules that files identify otherwise.
    /// </summary>
    public static string? Pattern(WordSplit split) => split switch
    {
        WordSplit.Llama3 => Pattern("{1,3}"),
        WordSplit.Qwen2 => Pattern(""),
        _ => null,
    };

    /// <summary>Returns the rules of a regular expression, or null if it is unknown.</summary>
    public static WordSplit? Of(string pattern) => pattern == Gpt2Pattern
        ? WordSplit.Gpt2
        : Enum.GetValues<WordSplit>().Where(split => Pattern(split) == pattern)
            .Select(split => (WordSplit?)split).FirstOrDefault();

    /// <summary>Returns the length of the first word of a non-empty text.</summary>
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
    /// Matches <see cref="Gpt2Pattern"/>, alternative by alternative. If digits are separate words, the text is first
    /// split at each digit, so that matches before a digit do not see it.
    /// </summary>
    private static int FirstOfGpt2(ReadOnlySpan<char> text, bool digitsAlone)
    {
        if (Ending(text, StringComparison.Ordinal) is > 0 and int ending)
            return ending;
        Class kind = ClassOf(text, out int used);
        if (kind == Class.Space)
        {
            int spaces = Run(text, Class.Space);
            // White space before a word: its last character belongs to the word if it is a space, otherwise it is a
            // word by itself.
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

    /// <summary>Matches the expression of <see cref="Pattern(WordSplit)"/>, alternative by alternative.</summary>
    private static int FirstOfLlama3(ReadOnlySpan<char> text, int numbersTogether)
    {
        if (Ending(text, StringComparison.OrdinalIgnoreCase) is > 0 and int ending)
            return ending;
        Class kind = ClassOf(text, out int used);
        if (kind == Class.Letter)
            return Run(text, Class.Letter);
        // One symbol or space may precede letters, but not a line end.
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
        for (int count = 0; count < most && length < text.Length; count++)
        {
            if (ClassOf(text[length..], out int used) != kind)
                break;
            length += used;
        }
        return length;
    }

    private static Class ClassOf(ReadOnlySpan<char> text, out int used)
    {
        char first = text[0];
        used = 1;
        if (first < 128)
        {
            return char.IsAsciiLetter(first) ? Class.Letter
                : char.IsAsciiDigit(first) ? Class.Number
                : char.IsWhiteSpace(first) ? Class.Space
                : Class.Other;
        }
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
