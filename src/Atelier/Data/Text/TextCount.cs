using System.Text;

namespace Atelier.Data.Text;

/// <summary>Counts text in the units that figures are given in.</summary>
public static class TextCount
{
    /// <summary>Unicode scalar values; half a surrogate pair counts as one.</summary>
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

    /// <summary>Bytes of UTF-8; half a surrogate pair counts as the three it takes in WTF-8.</summary>
    public static long Bytes(ReadOnlySpan<char> text) => Encoding.UTF8.GetByteCount(text);
}
