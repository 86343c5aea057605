using System.Globalization;
using System.Text;

namespace Atelier.Tokenizers;

/// <summary>What each id stands for: its bytes and its name, and the ids by name.</summary>
internal sealed class TokenTable
{
    public const string EndOfText = "<|endoftext|>";

    private static readonly char[] ByteAlphabet = MakeByteAlphabet();
    private static readonly Dictionary<char, byte> AlphabetBytes =
        ByteAlphabet.Select((letter, value) => (letter, (byte)value)).ToDictionary();

    private readonly byte[][] _bytes;
    private readonly Dictionary<string, int> _ids;

    public TokenTable(IReadOnlyList<string> names, Func<string, byte[]> bytesOf)
    {
        Names = names;
        _bytes = [.. names.Select(bytesOf)];
        _ids = new Dictionary<string, int>(names.Count);
        for (int id = 0; id < names.Count; id++)
        {
            if (!_ids.TryAdd(names[id], id))
                throw new AtelierException($"token '{names[id]}' appears twice in the vocabulary");
        }
    }

    public IReadOnlyList<string> Names { get; }

    public int Count => _bytes.Length;

    public byte[] Bytes(int id) =>
        (uint)id < (uint)_bytes.Length
            ? _bytes[id]
            : throw new ArgumentOutOfRangeException(nameof(id), id, $"ids run from 0 to {_bytes.Length - 1}");

    public bool TryGetId(string name, out int id) => _ids.TryGetValue(name, out id);

    public int? IdOrNull(string name) => _ids.TryGetValue(name, out int id) ? id : null;

    /// <summary>The name of a byte in vocabularies that spell unknown characters in bytes: "&lt;0x0A&gt;".</summary>
    public static string FallbackName(int value) => string.Create(CultureInfo.InvariantCulture, $"<0x{value:X2}>");

    /// <summary>The byte of a name such as "&lt;0x0A&gt;", or null.</summary>
    public static byte? FallbackByte(string name) =>
        name.Length == 6 && name.StartsWith("<0x", StringComparison.Ordinal) && name[5] == '>' &&
        byte.TryParse(name.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value)
            ? value
            : null;

    /// <summary>
    /// Bytes as GPT-2's vocabulary writes them: each byte as one visible letter (Radford et al. 2019,
    /// bytes_to_unicode).
    /// </summary>
    public static string ByteLevelName(ReadOnlySpan<byte> bytes)
    {
        var name = new StringBuilder(bytes.Length);
        foreach (byte value in bytes)
            name.Append(ByteAlphabet[value]);
        return name.ToString();
    }

    /// <summary>The bytes of such a name.</summary>
    /// <exception cref="AtelierException">A letter is outside the alphabet.</exception>
    public static byte[] ByteLevelBytes(string name) =>
        [.. name.Select(letter => AlphabetBytes.TryGetValue(letter, out byte value)
            ? value
            : throw new AtelierException($"token '{name}' has a letter outside the byte-level alphabet"))];

    private static char[] MakeByteAlphabet()
    {
        // Bytes that print stand for themselves; the others take letters from U+0100 on, in order.
        var alphabet = new char[256];
        int next = 256;
        for (int value = 0; value < 256; value++)
            alphabet[value] = value is >= '!' and <= '~' or >= 0xA1 and <= 0xAC or >= 0xAE ? (char)value : (char)next++;
        return alphabet;
    }
}
