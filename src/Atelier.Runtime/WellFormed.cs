using System.Buffers;
using System.Text;

namespace Atelier;

/// <summary>
/// Checks and repairs text: well-formed text has no lone surrogates, so that every encoding can store it.
/// </summary>
internal static class WellFormed
{
    /// <summary>The replacement character, which stands for invalid characters.</summary>
    public const char Replacement = '\uFFFD';

    /// <summary>Returns whether a text has no lone surrogates.</summary>
    public static bool Is(ReadOnlySpan<char> text)
    {
        while (text.IndexOfAnyInRange('\uD800', '\uDFFF') is >= 0 and int at)
        {
            if (Rune.DecodeFromUtf16(text[at..], out _, out int used) != OperationStatus.Done)
                return false;
            text = text[(at + used)..];
        }
        return true;
    }

    /// <summary>Appends a code point to a text, or the replacement character if it is a lone surrogate.</summary>
    public static void Append(StringBuilder text, int codePoint)
    {
        if (!Rune.IsValid(codePoint))
            text.Append(Replacement);
        else
            text.Append(new Rune(codePoint));
    }
}
