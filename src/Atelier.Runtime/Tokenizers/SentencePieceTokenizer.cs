using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Atelier.Formats;

namespace Atelier.Tokenizers;

/// <summary>
/// Llama's tokenizer: byte pair encoding over characters (Kudo and Richardson 2018), with a space inserted before the
/// text and characters outside the vocabulary encoded as bytes. Decoding a whole text removes that first space.
/// </summary>
public sealed class SentencePieceTokenizer : Tokenizer
{
    private const char Space = '▁'; // represents a space in the vocabulary
    private const int LongestToken = 512; // characters; trying every split of a token takes quadratic time
    private readonly TokenTable _table;
    private readonly MergeTable _merges = new();
    private readonly AddedTokens? _added;
    private readonly PieceEncoder _encodePiece;

    /// <summary>Creates a tokenizer from a vocabulary.</summary>
    /// <param name="names">The names of the tokens by id, with "▁" for spaces.</param>
    /// <param name="merges">The merges in their order. Consecutive merges that give the same token have equal
    /// rank.</param>
    /// <param name="rules">The settings; null takes Llama's.</param>
    /// <exception cref="AtelierException">The vocabulary lacks a byte or a token of a merge.</exception>
    internal SentencePieceTokenizer(IReadOnlyList<string> names, IReadOnlyList<(string Left, string Right)> merges,
        SentencePieceRules? rules = null)
    {
        Rules = rules ?? new SentencePieceRules();
        HashSet<string> known = [.. Rules.Specials], added = [.. Rules.Added.Select(t => t.Text)];
        _table = new TokenTable(names, name =>
            known.Contains(name) ? []
            : added.Contains(name) ? Wtf8.Encode(name)
            : TokenTable.PieceBytes(name));
        _added = added.Count > 0 ? new AddedTokens(Rules.Added, null) : null;
        _encodePiece = EncodePiece;
        Specials = [.. names.Where(known.Contains)];
        Merges = merges;
        BeginId = Special("<s>");
        EndOfTextId = Special("</s>") ?? Special(TokenTable.EndOfText);
        for (int value = 0; value < 256; value++)
            Id(TokenTable.FallbackName(value));
        int rank = -1;
        string joined = "";
        foreach ((string left, string right) in merges)
        {
            if (joined != left + right)
                (joined, rank) = (left + right, rank + 1);
            _merges.Add(Id(left), Id(right), rank, Id(joined));
        }

        int? Special(string name) => known.Contains(name) ? _table.IdOrNull(name) : null;
    }

    /// <inheritdoc/>
    public override string Kind => "sentencepiece";

    /// <inheritdoc/>
    public override int VocabularySize => _table.Count;

    /// <inheritdoc/>
    public override int? EndOfTextId { get; }

    /// <summary>The id of the start token; null if the vocabulary has none.</summary>
    public int? BeginId { get; }

    /// <inheritdoc/>
    public override bool BeginsWithSpace => Rules.Prefix != SpacePrefix.None;

    /// <summary>The settings of this tokenizer.</summary>
    internal SentencePieceRules Rules { get; }

    /// <summary>The merges in their order. Consecutive merges that give the same token have equal rank.</summary>
    internal IReadOnlyList<(string Left, string Right)> Merges { get; }

    /// <summary>The special tokens, which have no text.</summary>
    internal IReadOnlyList<string> Specials { get; }

    /// <inheritdoc/>
    internal override IEnumerable<(string Name, int Id)> SpecialIds => _table.Ids(Specials);

    /// <summary>
    /// Reads llama2.c's tokenizer.bin: the length of the longest token, then the score, length and bytes of each token.
    /// The merges are all pairs of tokens that form a third token, best score first.
    /// </summary>
    /// <exception cref="AtelierException">The file is missing, truncated or of another kind.</exception>
    public static SentencePieceTokenizer FromLlama2C(string path)
    {
        if (!File.Exists(path))
            throw new AtelierException("no such file", path);
        ReadOnlySpan<byte> rest = InputFile.ReadAllBytes(path);
        var tokens = new List<(string Name, float Score)>();
        if (rest.Length < 4)
            throw Damaged(path, rest.Length);
        rest = rest[4..];
        while (!rest.IsEmpty)
        {
            if (rest.Length < 8)
                throw Damaged(path, rest.Length);
            float score = BinaryPrimitives.ReadSingleLittleEndian(rest);
            int length = BinaryPrimitives.ReadInt32LittleEndian(rest[4..]);
            if (length < 0 || length > rest.Length - 8)
                throw Damaged(path, rest.Length);
            tokens.Add((Encoding.UTF8.GetString(rest.Slice(8, length)).Replace(' ', Space), score));
            rest = rest[(8 + length)..];
        }
        // The exporter writes the two special tokens as "\n<s>\n" and "\n</s>\n" for printing.
        string[] names = [.. tokens.Select((t, id) => id is 1 or 2 ? t.Name.Trim('\n') : t.Name)];
        float[] scores = [.. tokens.Select(t => t.Score)];
        return AtelierException.At(path, () => new SentencePieceTokenizer(names,
            MergesByScore(names, scores, SentencePieceRules.UsualSpecials)));
    }

    /// <inheritdoc/>
    public override void Encode(ReadOnlySpan<char> text, List<int> ids) => EncodePart(text, true, ids);

    /// <inheritdoc/>
    internal override void EncodePart(ReadOnlySpan<char> text, bool isFirst, List<int> ids)
    {
        if (_added is null)
            EncodePiece(text, isFirst, ids);
        else
            _added.Encode(text, isFirst, ids, _encodePiece);
    }

    private void EncodePiece(ReadOnlySpan<char> text, bool isFirst, List<int> ids)
    {
        if (text.IsEmpty)
            return;
        var symbols = new List<int>(text.Length + 1);
        bool beginsWithSpace = text[0] is ' ' or Space;
        bool insertsSpace = Rules.Prefix switch
        {
            SpacePrefix.Always => true,
            SpacePrefix.WhereAbsent => !beginsWithSpace,
            SpacePrefix.FirstWhereAbsent => !beginsWithSpace && isFirst,
            _ => false,
        };
        if (insertsSpace)
            Append(Space.ToString(), symbols);
        Span<char> character = stackalloc char[2];
        while (!text.IsEmpty)
        {
            _ = Rune.DecodeFromUtf16(text, out _, out int used);
            text[..used].CopyTo(character);
            if (character[0] == ' ')
                character[0] = Space;
            if (Rules.SplitsWords && character[0] == Space)
                Join(symbols, ids);
            Append(character[..used], symbols);
            text = text[used..];
        }
        Join(symbols, ids);
    }

    private void Join(List<int> symbols, List<int> ids)
    {
        Span<int> all = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(symbols);
        ids.AddRange(all[.._merges.Apply(all)]);
        symbols.Clear();
    }

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Bytes(int id) => _table.Bytes(id);

    /// <inheritdoc/>
    public override string Name(int id) => _table.Names[id];

    /// <inheritdoc/>
    public override void Save(string path) =>
        TokenizerWriter.Write(path, this, _table.Names, Merges, TokenizerLayout.SentencePiece, Rules.Added,
            pieces: Rules);

    /// <summary>
    /// Returns the merges that the scores imply: all pairs of tokens that form a third token, best score first, as in
    /// SentencePiece (Kudo and Richardson 2018).
    /// </summary>
    /// <param name="names">The names of the tokens by id, with "▁" for spaces.</param>
    /// <param name="scores">The scores by id. Tokens with higher scores are formed first.</param>
    /// <param name="specials">The special tokens, which no merge forms.</param>
    /// <exception cref="AtelierException">A score is not a number, or a token is too long.</exception>
    internal static List<(string Left, string Right)> MergesByScore(IReadOnlyList<string> names, float[] scores,
        IReadOnlyCollection<string> specials)
    {
        var known = names.ToHashSet();
        HashSet<string>.AlternateLookup<ReadOnlySpan<char>> lookup = known.GetAlternateLookup<ReadOnlySpan<char>>();
        var merges = new List<(string, string)>();
        foreach (int id in Enumerable.Range(0, names.Count).OrderByDescending(id => scores[id]).ThenBy(id => id))
        {
            string name = names[id];
            if (float.IsNaN(scores[id]) || name.Length > LongestToken)
                throw new AtelierException($"token {id} has the score {scores[id]} and {name.Length} characters",
                    hint: $"expected a finite score and at most {LongestToken} characters");
            if (TokenTable.FallbackByte(name) is not null || specials.Contains(name))
                continue;
            for (int cut = 1; cut < name.Length; cut++)
            {
                if (lookup.Contains(name.AsSpan(0, cut)) && lookup.Contains(name.AsSpan(cut)))
                    merges.Add((name[..cut], name[cut..]));
            }
        }
        return merges;
    }

    private void Append(ReadOnlySpan<char> character, List<int> symbols)
    {
        bool whole = Rune.DecodeFromUtf16(character, out _, out _) == OperationStatus.Done;
        if (whole && _table.TryGetId(character.ToString(), out int id))
        {
            symbols.Add(id);
            return;
        }
        foreach (byte value in Wtf8.Encode(character))
            symbols.Add(Id(TokenTable.FallbackName(value)));
    }

    private int Id(string name) =>
        _table.TryGetId(name, out int id)
            ? id
            : throw new AtelierException($"the vocabulary lacks the token '{name}'",
                hint: "its vocabulary and merges do not belong together");

    private static AtelierException Damaged(string path, int left) =>
        new($"truncated, or not a tokenizer of llama2.c: {left} bytes are left, fewer than a token needs", path,
            "download the file again");
}
