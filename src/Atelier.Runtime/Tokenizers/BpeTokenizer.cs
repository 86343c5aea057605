using System.Text.Json;
using Atelier.Formats;

namespace Atelier.Tokenizers;

/// <summary>
/// Byte-level byte pair encoding (Sennrich et al. 2016; Radford et al. 2019): text is split into words and words into
/// bytes; then neighbouring symbols are merged in the order in which the merges were learned.
/// </summary>
public sealed class BpeTokenizer : Tokenizer
{
    private readonly TokenTable _table;
    private readonly MergeTable _merges = new();
    private readonly int[] _byteIds = new int[256];
    private readonly WordCache _words;
    private readonly AddedTokens? _added;
    private readonly PieceEncoder _encodeWords;

    /// <summary>Creates a tokenizer from a vocabulary.</summary>
    /// <param name="names">The names of the tokens by id, in GPT-2's byte-level alphabet.</param>
    /// <param name="merges">The merges in the order in which they were learned.</param>
    /// <param name="rules">The settings; null takes GPT-2's.</param>
    /// <exception cref="AtelierException">The vocabulary lacks a byte or a token of a merge.</exception>
    internal BpeTokenizer(IReadOnlyList<string> names, IReadOnlyList<(string Left, string Right)> merges,
        BpeRules? rules = null)
    {
        Rules = rules ?? new BpeRules();
        HashSet<string> specials = [.. Rules.Specials], added = [.. Rules.Added.Select(t => t.Text)];
        _table = new TokenTable(names, name =>
            specials.Contains(name) ? []
            : added.Contains(name) ? Wtf8.Encode(name)
            : TokenTable.ByteLevelBytes(name));
        if (added.Count > 0 || Rules.Normalizer is not null)
            _added = new AddedTokens(Rules.Added, Rules.Normalizer);
        _encodeWords = EncodeWords;
        Merges = merges;
        EndOfTextId = Rules.FindEndOfText(_table) is string end ? _table.IdOrNull(end) : null;
        for (int value = 0; value < 256; value++)
            _byteIds[value] = Id(TokenTable.ByteLevelName([(byte)value]));
        for (int rank = 0; rank < merges.Count; rank++)
        {
            (string left, string right) = merges[rank];
            _merges.Add(Id(left), Id(right), rank, Id(left + right));
        }
        _words = new WordCache(EncodeWord);
    }

    /// <inheritdoc/>
    public override string Kind => "bpe";

    /// <inheritdoc/>
    public override int VocabularySize => _table.Count;

    /// <inheritdoc/>
    public override int? EndOfTextId { get; }

    /// <summary>The merges in the order in which they were learned.</summary>
    internal IReadOnlyList<(string Left, string Right)> Merges { get; }

    /// <summary>The settings of this tokenizer.</summary>
    internal BpeRules Rules { get; }

    /// <inheritdoc/>
    internal override IEnumerable<(string Name, int Id)> SpecialIds => _table.Ids(Rules.Specials);

    /// <summary>Learns a vocabulary from text. The result does not depend on the number of threads.</summary>
    /// <param name="documents">The training text.</param>
    /// <param name="vocabularySize">The size of the vocabulary, at least 257: 256 bytes, the merges and the end-of-text
    /// token. Text with little variety gives fewer tokens.</param>
    /// <param name="threads">Number of threads; 0 takes all cores.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="ArgumentOutOfRangeException">The vocabulary size is below 257.</exception>
    public static BpeTokenizer Train(IEnumerable<string> documents, int vocabularySize, int threads = 0,
        CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(vocabularySize, 257);
        List<(byte[] Left, byte[] Right)> merges =
            BpeTrainer.Learn(documents, vocabularySize - 257, threads, cancellation);
        string[] alphabet = [.. Enumerable.Range(0, 256).Select(value => TokenTable.ByteLevelName([(byte)value]))];
        (string Left, string Right)[] names =
            [.. merges.Select(m => (TokenTable.ByteLevelName(m.Left), TokenTable.ByteLevelName(m.Right)))];
        return new BpeTokenizer([.. alphabet, .. names.Select(m => m.Left + m.Right), TokenTable.EndOfText], names);
    }

    /// <summary>Reads GPT-2's two files: encoder.json (or vocab.json) and vocab.bpe (or merges.txt).</summary>
    /// <exception cref="AtelierException">A file is missing or damaged, or the two do not fit together.</exception>
    public static BpeTokenizer FromGpt2(string vocabularyPath, string mergesPath)
    {
        try
        {
            using JsonDocument vocabulary = JsonDocument.Parse(InputFile.ReadAllBytes(vocabularyPath));
            IReadOnlyList<string> names = TokenizerFile.NamesById(
                vocabulary.RootElement.EnumerateObject().Select(p => (p.Name, p.Value.GetInt32())), vocabularyPath);
            InputFile.RequireRegular(mergesPath);
            IEnumerable<string> lines = File.ReadLines(mergesPath)
                .Where(line => line.Length > 0 && !line.StartsWith("#version", StringComparison.Ordinal));
            return new BpeTokenizer(names, [.. lines.Select(line => TokenizerFile.MergePair(line, mergesPath))]);
        }
        catch (Exception e)
            when (e is IOException or UnauthorizedAccessException or JsonException or InvalidOperationException
            or FormatException)
        {
            throw new AtelierException($"not a vocabulary of GPT-2's form: {e.Message.TrimEnd('.')}", vocabularyPath,
                inner: e);
        }
    }

    /// <inheritdoc/>
    public override void Encode(ReadOnlySpan<char> text, List<int> ids)
    {
        if (_added is null)
            EncodeWords(text, true, ids);
        else
            _added.Encode(text, true, ids, _encodeWords);
    }

    /// <summary>
    /// Appends the ids of a random segmentation of the text: merges are left out at random, so that a word is now whole
    /// and now in smaller pieces (BPE-dropout: Provilkov et al. 2020). Training on such segmentations regularizes
    /// models of little data.
    /// </summary>
    /// <param name="text">The text.</param>
    /// <param name="dropout">The probability of leaving out a merge, from 0, which encodes as usual, to 1, which gives
    /// bytes.</param>
    /// <param name="random">The random numbers to draw from.</param>
    /// <param name="ids">The list to append to.</param>
    /// <exception cref="ArgumentOutOfRangeException">The probability is not between 0 and 1.</exception>
    public void Encode(ReadOnlySpan<char> text, double dropout, ref SplitMix64 random, List<int> ids)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(dropout);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(dropout, 1);
        SplitMix64 state = random;
        void Segment(ReadOnlySpan<char> words, bool isFirst, List<int> list)
        {
            while (!words.IsEmpty)
            {
                int length = WordSplitter.First(words, Rules.Split);
                int[] symbols = Symbols(Wtf8.Encode(words[..length]));
                list.AddRange(symbols.AsSpan(0, _merges.Apply(symbols, dropout, ref state)));
                words = words[length..];
            }
        }
        if (_added is null)
            Segment(text, true, ids);
        else
            _added.Encode(text, true, ids, Segment);
        random = state;
    }

    private void EncodeWords(ReadOnlySpan<char> text, bool isFirst, List<int> ids)
    {
        while (!text.IsEmpty)
        {
            int length = WordSplitter.First(text, Rules.Split);
            _words.Encode(text[..length], ids);
            text = text[length..];
        }
    }

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Bytes(int id) => _table.Bytes(id);

    /// <inheritdoc/>
    public override string Name(int id) => _table.Names[id];

    /// <inheritdoc/>
    public override void Save(string path) =>
        TokenizerWriter.Write(path, this, _table.Names, Merges, TokenizerLayout.ByteLevel, Rules.Added, Rules);

    private int[] EncodeWord(ReadOnlySpan<char> word)
    {
        byte[] bytes = Wtf8.Encode(word);
        if (Rules.TakesWholeWords && _table.IdOrNull(TokenTable.ByteLevelName(bytes)) is int whole)
            return [whole];
        int[] symbols = Symbols(bytes);
        return symbols[.._merges.Apply(symbols)];
    }

    private int[] Symbols(byte[] bytes) => [.. bytes.Select(value => _byteIds[value])];

    private int Id(string name) =>
        _table.TryGetId(name, out int id)
            ? id
            : throw new AtelierException($"the vocabulary lacks the token '{name}'",
                hint: "its vocabulary and merges do not belong together");
}
