using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Atelier.Tokenizers;

/// <summary>
/// The precompiled normalisation of SentencePiece (Kudo and Richardson 2018): a double-array trie (Aoe 1989) over the
/// bytes of UTF-8, in the layout of darts-clone, whose values are offsets of zero-terminated strings. A grapheme of
/// fewer than six bytes is replaced as a whole if the trie has a prefix of it; otherwise its characters are replaced.
/// </summary>
internal sealed class PrecompiledMap
{
    private const int LongestGrapheme = 5; // bytes
    private readonly uint[] _trie;
    private readonly byte[] _strings;

    private PrecompiledMap(uint[] trie, byte[] strings) => (_trie, _strings) = (trie, strings);

    /// <summary>
    /// Reads a map: the length of the trie in bytes, the trie and the strings, all little-endian, in base 64.
    /// </summary>
    /// <exception cref="AtelierException">The map is damaged.</exception>
    public static PrecompiledMap Read(string base64, string file, string at)
    {
        byte[] bytes;
        try
        {
            bytes = Convert.FromBase64String(base64);
        }
        catch (FormatException e)
        {
            throw Damaged("it is not written in base 64", e);
        }
        uint length = bytes.Length < 4 ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        if (length == 0 || length % 4 != 0 || length > bytes.Length - 4)
            throw Damaged($"its trie has {length} of {bytes.Length} bytes");
        var trie = new uint[length / 4];
        for (int i = 0; i < trie.Length; i++)
            trie[i] = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(4 + 4 * i));
        return new PrecompiledMap(trie, bytes[(4 + (int)length)..]);

        AtelierException Damaged(string why, Exception? inner = null) =>
            new($"'{at}precompiled_charsmap' is damaged: {why}", file, "download the file again", inner);
    }

    /// <summary>Returns the normalised text.</summary>
    public string Apply(string text)
    {
        var result = new StringBuilder(text.Length);
        TextElementEnumerator graphemes = StringInfo.GetTextElementEnumerator(text);
        while (graphemes.MoveNext())
        {
            string grapheme = graphemes.GetTextElement();
            byte[] bytes = Wtf8.Encode(grapheme);
            if (bytes.Length <= LongestGrapheme && Find(bytes) is string whole)
            {
                result.Append(whole);
                continue;
            }
            for (ReadOnlySpan<char> rest = grapheme; !rest.IsEmpty;)
            {
                _ = Rune.DecodeFromUtf16(rest, out _, out int used);
                string? part = Find(Wtf8.Encode(rest[..used]));
                if (part is null)
                    result.Append(rest[..used]);
                else
                    result.Append(part);
                rest = rest[used..];
            }
        }
        return result.ToString();
    }

    /// <summary>
    /// Returns the string of the shortest prefix of a key that the trie has, as SentencePiece's users do; null if it
    /// has none.
    /// </summary>
    private string? Find(ReadOnlySpan<byte> key)
    {
        uint node = Offset(_trie[0]);
        foreach (byte label in key)
        {
            node ^= label;
            if (label == 0 || node >= _trie.Length || (_trie[node] & 0x800000FF) != label)
                return null;
            uint unit = _trie[node];
            node ^= Offset(unit);
            if ((unit & 0x100) == 0 || node >= _trie.Length)
                continue;
            uint from = _trie[node] & 0x7FFFFFFF;
            if (from >= _strings.Length)
                return null;
            ReadOnlySpan<byte> rest = _strings.AsSpan((int)from);
            int end = rest.IndexOf((byte)0);
            return Encoding.UTF8.GetString(end < 0 ? rest : rest[..end]);
        }
        return null;
    }

    private static uint Offset(uint unit) => (unit >> 10) << (int)((unit & 0x200) >> 6);
}
