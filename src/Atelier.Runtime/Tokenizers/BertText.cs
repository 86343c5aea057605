using System.Buffers;
using System.Globalization;
using System.Text;

namespace Atelier.Tokenizers;

/// <summary>The rules by which BERT cleans text and recognises punctuation (Devlin et al. 2019).</summary>
internal static class BertText
{
    private static readonly (int First, int Last)[] Chinese =
    [
        (0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F),
        (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F),
    ];

    /// <summary>Cleans a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="cleans">Whether to remove control characters and U+FFFD, and to replace white space by
    /// spaces.</param>
    /// <param name="separates">Whether to put a space before and after every Chinese character.</param>
    public static string Clean(string text, bool cleans, bool separates)
    {
        var result = new StringBuilder(text.Length);
        for (ReadOnlySpan<char> rest = text; !rest.IsEmpty;)
        {
            bool isWhole = Rune.DecodeFromUtf16(rest, out Rune rune, out int used) == OperationStatus.Done;
            ReadOnlySpan<char> units = rest[..used];
            rest = rest[used..];
            if (cleans && (!isWhole || IsRemoved(rune)))
                continue;
            if (cleans && Rune.IsWhiteSpace(rune))
                result.Append(' ');
            else if (separates && isWhole && IsChinese(rune.Value))
                result.Append(' ').Append(units).Append(' ');
            else
                result.Append(units);
        }
        return result.ToString();
    }

    /// <summary>Returns whether a character is punctuation, to which BERT counts all symbols of ASCII.</summary>
    public static bool IsPunctuation(Rune rune) => rune.IsAscii
        ? rune.Value is > ' ' and < 0x7F && !Rune.IsLetterOrDigit(rune)
        : Rune.IsPunctuation(rune);

    private static bool IsRemoved(Rune rune) => rune.Value is not ('\t' or '\n' or '\r')
        && (rune.Value == 0xFFFD || Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format
            or UnicodeCategory.PrivateUse);

    private static bool IsChinese(int value) =>
        value >= 0x3400 && Array.Exists(Chinese, range => value >= range.First && value <= range.Last);
}
