using System.Buffers;
using System.Globalization;
using System.Text;

namespace Atelier.Tokenizers;

/// <summary>
/// Splits text into the words that byte pair encoding never joins across, as GPT-2 does (Radford et al. 2019):
/// <c>'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+</c>, by hand and by Unicode scalar
/// values, since .NET's regular expressions see the halves of characters beyond U+FFFF.
/// </summary>
internal static class WordSplitter
{
    private static readonly string[] Endings = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];

    private enum Class
    {
        Space,
        Letter,
        Number,
        Other,
    }

    /// <summary>The length of the first word of a text that is not empty.</summary>
    public static int First(ReadOnlySpan<char> text)
    {
        if (text[0] == '\'')
        {
            foreach (string ending in Endings)
            {
                if (text.StartsWith(ending, StringComparison.Ordinal))
                    return ending.Length;
            }
        }
        Class kind = ClassOf(text, out int used);
        if (kind == Class.Space)
        {
            int spaces = Run(text, Class.Space);
            // White space before a word: its last character goes with the word if it is a space, and alone if not.
            if (spaces == text.Length)
                return spaces;
            if (spaces > 1)
                return spaces - 1;
            if (text[0] != ' ')
                return 1;
            kind = ClassOf(text[1..], out used);
            return 1 + used + Run(text[(1 + used)..], kind);
        }
        return used + Run(text[used..], kind);
    }

    private static int Run(ReadOnlySpan<char> text, Class kind)
    {
        int length = 0;
        while (length < text.Length && ClassOf(text[length..], out int used) == kind)
            length += used;
        return length;
    }

    private static Class ClassOf(ReadOnlySpan<char> text, out int used)
    {
        char first = text[0];
        used = 1;
        if (first < 128)
            return char.IsAsciiLetter(first) ? Class.Letter : char.IsAsciiDigit(first) ? Class.Number : char.IsWhiteSpace(first) ? Class.Space : Class.Other;
        if (Rune.DecodeFromUtf16(text, out Rune rune, out used) != OperationStatus.Done)
            return Class.Other; // a lone surrogate
        return Rune.GetUnicodeCategory(rune) switch
        {
            UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
                or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => Class.Letter,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Class.Number,
            _ => Rune.IsWhiteSpace(rune) ? Class.Space : Class.Other,
        };
    }
}
