using System.Text;

namespace Atelier.Data.Text;

/// <summary>Counts text in the units that metrics use.</summary>
public static class TextCount
{
    /// <summary>Returns the number of Unicode scalar values; an unpaired surrogate counts as one.</summary>
    public static long Scalars(ReadOnlySpan<char> text)
    {
        long count = text.Length;
        for (int at = text.IndexOfAnyInRange('\uD800', '\uDBFF'); at >= 0;)
        {
            text = text[(at + 1)..];
            if (!text.IsEmpty && char.IsLowSurrogate(text[0]))
                count--;
            at = text.IndexOfAnyInRange('\uD800', '\uDBFF');
        }
        return count;
    }

    /// <summary>
    /// Returns the number of bytes in UTF-8; an unpaired surrogate counts as three, its length in WTF-8.
    /// </summary>
    public static long Bytes(ReadOnlySpan<char> text) => Encoding.UTF8.GetByteCount(text);
}
