using System.Globalization;
using System.Text;

namespace Atelier.Tokenizers;

/// <summary>The names and bytes of the tokens by id, and the ids by name.</summary>
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

    /// <summary>Returns those of the names that are in the vocabulary, with their ids.</summary>
    public IEnumerable<(string Name, int Id)> Ids(IEnumerable<string> names) =>
        names.Distinct().Where(_ids.ContainsKey).Select(name => (name, _ids[name]));

    /// <summary>
    /// Returns the bytes of a name in SentencePiece's vocabularies: one byte, or text with "▁" for spaces.
    /// </summary>
    public static byte[] PieceBytes(string name) =>
        FallbackByte(name) is byte value ? [value] : Wtf8.Encode(name.Replace('▁', ' '));

    /// <summary>Returns the name of a byte in vocabularies with a byte fallback, such as "&lt;0x0A&gt;".</summary>
    public static string FallbackName(int value) => string.Create(CultureInfo.InvariantCulture, $"<0x{value:X2}>");

    /// <summary>Returns the byte that a name such as "&lt;0x0A&gt;" stands for, or null for other names.</summary>
    public static byte? FallbackByte(string name) =>
        name.Length == 6 && name.StartsWith("<0x", StringComparison.Ordinal) && name[5] == '>' &&
        byte.TryParse(name.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value)
            ? value
            : null;

    /// <summary>
    /// Writes bytes in GPT-2's byte-level alphabet, which has one visible letter for each byte (Radford et al. 2019,
    /// bytes_to_unicode).
    /// </summary>
    public static string ByteLevelName(ReadOnlySpan<byte> bytes)
    {
        var name = new StringBuilder(bytes.Length);
        foreach (byte value in bytes)
            name.Append(ByteAlphabet[value]);
        return name.ToString();
    }

    /// <summary>Returns the bytes of a name in GPT-2's byte-level alphabet.</summary>
    /// <exception cref="AtelierException">A letter is outside the alphabet.</exception>
    public static byte[] ByteLevelBytes(string name) =>
        [.. name.Select(letter => AlphabetBytes.TryGetValue(letter, out byte value)
            ? value
            : throw new AtelierException($"token '{name}' has a letter outside the byte-level alphabet"))];

    /// <summary>Returns the bytes of a name in GPT-2's byte-level alphabet, or of its text if it has another letter.
    /// </summary>
    public static byte[] AnyByteLevelBytes(string name) =>
        name.All(AlphabetBytes.ContainsKey) ? ByteLevelBytes(name) : Wtf8.Encode(name);

    private static char[] MakeByteAlphabet()
    {
        // Printable bytes stand for themselves; the others take the letters from U+0100 on, in order.
        var alphabet = new char[256];
        int next = 256;
        for (int value = 0; value < 256; value++)
            alphabet[value] = value is >= '!' and <= '~' or >= 0xA1 and <= 0xAC or >= 0xAE ? (char)value : (char)next++;
        return alphabet;
    }
}
