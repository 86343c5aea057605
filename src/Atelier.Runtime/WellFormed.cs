using System.Buffers;
using System.Text;

namespace Atelier;

/// <summary>Text that can stand in any file: every half of a surrogate pair has its other half.</summary>
internal static class WellFormed
{
    /// <summary>What stands in place of what is no character.</summary>
    public const char Replacement = '\uFFFD';

    /// <summary>Whether a text has no lone surrogate.</summary>
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

    /// <summary>A code point as text; a lone surrogate is no character.</summary>
    public static void Append(StringBuilder text, int codePoint)
    {
        if (!Rune.IsValid(codePoint))
            text.Append(Replacement);
        else
            text.Append(new Rune(codePoint));
    }
}
