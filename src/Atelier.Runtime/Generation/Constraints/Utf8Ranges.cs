using System.Text;

namespace Atelier.Generation.Constraints;

/// <summary>Splits ranges of characters into sequences of UTF-8 byte ranges (as RE2 does; Cox 2010).</summary>
internal static class Utf8Ranges
{
    // The last characters that take one, two and three bytes.
    private static readonly int[] LastOfLength = [0x7F, 0x7FF, 0xFFFF];

    /// <summary>
    /// Returns sequences of byte ranges that together match exactly the characters of a range without surrogates.
    /// </summary>
    public static IEnumerable<(byte First, byte Last)[]> Of(int first, int last)
    {
        if (last <= LastOfLength[0])
        {
            yield return [((byte)first, (byte)last)];
            yield break;
        }
        foreach (int limit in LastOfLength)
        {
            if (first <= limit && limit < last)
            {
                foreach ((byte, byte)[] part in Of(first, limit).Concat(Of(limit + 1, last)))
                    yield return part;
                yield break;
            }
        }
        // Each trailing byte holds six bits. If the bounds differ in an earlier byte, the bytes after it must run from
        // 80 to BF.
        for (int shift = 6; shift <= 18; shift += 6)
        {
            int low = (1 << shift) - 1;
            if ((first & ~low) == (last & ~low))
                break;
            int cut = (first & low) != 0 ? first | low : (last & low) != low ? (last & ~low) - 1 : -1;
            if (cut < 0)
                continue;
            foreach ((byte, byte)[] part in Of(first, cut).Concat(Of(cut + 1, last)))
                yield return part;
            yield break;
        }
        byte[] from = Bytes(first), to = Bytes(last);
        yield return [.. from.Zip(to)];
    }

    private static byte[] Bytes(int character)
    {
        byte[] bytes = new byte[4];
        return bytes[..new Rune(character).EncodeToUtf8(bytes)];
    }
}
