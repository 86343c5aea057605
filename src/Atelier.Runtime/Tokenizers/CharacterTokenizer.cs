using System.Buffers;
using System.Globalization;
using System.Text;

namespace Atelier.Tokenizers;

/// <summary>
/// A tokenizer with one id for each character (Unicode scalar value). Characters outside the vocabulary are encoded as
/// bytes if the vocabulary has a byte fallback, and refused otherwise.
/// </summary>
public sealed class CharacterTokenizer : Tokenizer
{
    private readonly TokenTable _table;
    private readonly Dictionary<int, int> _ids = [];
    private readonly int[]? _fallbackIds;

    /// <summary>Creates a tokenizer from a vocabulary.</summary>
    /// <param name="names">The names of the tokens by id.</param>
    /// <param name="specials">The special tokens in addition to the end-of-text token.</param>
    internal CharacterTokenizer(IReadOnlyList<string> names, IEnumerable<string>? specials = null)
    {
        HashSet<string> known = [TokenTable.EndOfText, .. specials ?? []];
        Specials = [.. names.Where(known.Contains)];
        _table = new TokenTable(names, name =>
            known.Contains(name) ? []
            : TokenTable.FallbackByte(name) is byte value ? [value]
            : Wtf8.Encode(name));
        EndOfTextId = _table.IdOrNull(TokenTable.EndOfText);
        for (int id = 0; id < names.Count; id++)
        {
            string name = names[id];
            bool isCharacter = Rune.DecodeFromUtf16(name, out Rune rune, out int used) == OperationStatus.Done
                && used == name.Length;
            if (isCharacter && !known.Contains(name))
                _ids[rune.Value] = id;
        }
        int?[] fallback =
            [.. Enumerable.Range(0, 256).Select(value => _table.IdOrNull(TokenTable.FallbackName(value)))];
        if (fallback.All(id => id is not null))
            _fallbackIds = [.. fallback.Select(id => id!.Value)];
    }

    /// <inheritdoc/>
    public override string Kind => "character";

    /// <inheritdoc/>
    public override int VocabularySize => _table.Count;

    /// <inheritdoc/>
    public override int? EndOfTextId { get; }

    /// <summary>The special tokens, which have no text.</summary>
    internal IReadOnlyList<string> Specials { get; }

    /// <inheritdoc/>
    internal override IEnumerable<(string Name, int Id)> SpecialIds => _table.Ids(Specials);

    /// <summary>Whether characters outside the vocabulary are encoded as bytes.</summary>
    public bool ByteFallback => _fallbackIds is not null;

    /// <summary>
    /// Creates a vocabulary from text: the end-of-text token, 256 bytes if requested, then the characters of the text
    /// by code point.
    /// </summary>
    /// <param name="documents">The text.</param>
    /// <param name="byteFallback">Whether to encode other characters as bytes, which takes 256 more ids.</param>
    public static CharacterTokenizer Train(IEnumerable<string> documents, bool byteFallback)
    {
        var characters = new SortedSet<int>();
        foreach (string document in documents)
        {
            ReadOnlySpan<char> rest = document;
            while (!rest.IsEmpty)
            {
                // JSON files cannot contain lone surrogates; they are encoded as bytes.
                if (Rune.DecodeFromUtf16(rest, out Rune rune, out int used) == OperationStatus.Done)
                    characters.Add(rune.Value);
                rest = rest[used..];
            }
        }
        IEnumerable<string> bytes = byteFallback ? Enumerable.Range(0, 256).Select(TokenTable.FallbackName) : [];
        return new CharacterTokenizer([TokenTable.EndOfText, .. bytes, .. characters.Select(char.ConvertFromUtf32)]);
    }

    /// <inheritdoc/>
    public override void Encode(ReadOnlySpan<char> text, List<int> ids)
    {
        while (!text.IsEmpty)
        {
            OperationStatus status = Rune.DecodeFromUtf16(text, out Rune rune, out int used);
            if (status == OperationStatus.Done && _ids.TryGetValue(rune.Value, out int id))
            {
                ids.Add(id);
            }
            else if (_fallbackIds is not null)
            {
                foreach (byte value in Wtf8.Encode(text[..used]))
                    ids.Add(_fallbackIds[value]);
            }
            else
            {
                int code = status == OperationStatus.Done ? rune.Value : text[0];
                throw new AtelierException(
                    string.Create(CultureInfo.InvariantCulture,
                        $"the vocabulary does not contain '{text[..used]}' (U+{code:X4})"),
                    hint: "leave it out, or train the tokenizer with byteFallback: true");
            }
            text = text[used..];
        }
    }

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Bytes(int id) => _table.Bytes(id);

    /// <inheritdoc/>
    public override string Name(int id) => _table.Names[id];

    /// <summary>
    /// Writes a tokenizer.json with byte pair encoding without merges, for which Hugging Face's tokenizers splits text
    /// into characters, with a byte fallback if the vocabulary has one.
    /// </summary>
    public override void Save(string path) => TokenizerWriter.Write(path, this, _table.Names, [],
        ByteFallback ? TokenizerLayout.CharacterFallback : TokenizerLayout.Character);
}
