using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Formats;

namespace Atelier.Tokenizers;

/// <summary>The settings in which WordPiece tokenizers of different models differ.</summary>
/// <param name="Unknown">The name of the token for words that the vocabulary cannot express.</param>
/// <param name="Prefix">The prefix of tokens that continue a word.</param>
/// <param name="LongestWord">The number of characters of the longest word that is not unknown.</param>
/// <param name="CleansUp">Whether decoding removes the space before punctuation.</param>
internal sealed record WordPieceRules(string Unknown = "[UNK]", string Prefix = "##", int LongestWord = 100,
    bool CleansUp = true);

/// <summary>
/// WordPiece as in BERT (Devlin et al. 2019): text is normalised and cut into words, and each word is divided into the
/// longest tokens of the vocabulary from left to right. A word that cannot be divided is one unknown token. Decoding
/// puts a space before every word except punctuation, so that it restores the normalised text up to its spaces.
/// </summary>
public sealed class WordPieceTokenizer : Tokenizer
{
    private static readonly string[] UsualSpecials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

    // The tokens whose space the decoder WordPiece removes; the others that it knows contain punctuation within a word.
    private static readonly string[] Closing = [".", "?", "!", ",", "n't", "'m", "'s", "'ve", "'re"];

    private readonly TokenTable _table;
    private readonly Dictionary<string, int> _starts = [], _continuations = [];
    private readonly int _unknown, _longest;
    private readonly WordCache _words;
    private readonly PieceEncoder _encodeWords;

    /// <summary>Creates a tokenizer from a vocabulary.</summary>
    /// <param name="names">The names of the tokens by id.</param>
    /// <param name="steps">The steps before the division of words.</param>
    /// <param name="rules">The settings; the unknown token must be one of the names.</param>
    internal WordPieceTokenizer(IReadOnlyList<string> names, TextSteps steps, WordPieceRules rules)
    {
        (Steps, Rules) = (steps, rules);
        HashSet<string> added = [.. steps.Added.Select(token => token.Text)];
        _table = new TokenTable(names, name =>
            steps.Specials.Contains(name) || name == rules.Unknown ? []
            : added.Contains(name) || (rules.CleansUp && Closing.Contains(name)) ? Wtf8.Encode(name)
            : IsContinuation(name) ? Wtf8.Encode(name.AsSpan(rules.Prefix.Length))
            : Wtf8.Encode(" " + name));
        for (int id = 0; id < names.Count; id++)
        {
            string name = names[id];
            if (steps.Specials.Contains(name) || added.Contains(name) || name == rules.Unknown)
                continue;
            if (IsContinuation(name))
                _continuations[name[rules.Prefix.Length..]] = id;
            _starts[name] = id; // a word may begin with the characters of the prefix
            _longest = Math.Max(_longest, name.Length);
        }
        _unknown = _table.IdOrNull(rules.Unknown)!.Value;
        _words = new WordCache(EncodeWord);
        _encodeWords = (text, isFirst, ids) => Steps.EncodeWords(text, isFirst, ids, _words);

        bool IsContinuation(string name) =>
            name.Length > rules.Prefix.Length && name.StartsWith(rules.Prefix, StringComparison.Ordinal);
    }

    /// <inheritdoc/>
    public override string Kind => "wordpiece";

    /// <inheritdoc/>
    public override int VocabularySize => _table.Count;

    /// <inheritdoc/>
    public override int? EndOfTextId => Steps.Specials.Contains("[SEP]") ? _table.IdOrNull("[SEP]") : null;

    /// <inheritdoc/>
    public override bool BeginsWithSpace => true;

    /// <summary>The steps before the division of words.</summary>
    internal TextSteps Steps { get; }

    /// <summary>The settings of this tokenizer.</summary>
    internal WordPieceRules Rules { get; }

    /// <inheritdoc/>
    internal override IEnumerable<(string Name, int Id)> SpecialIds => _table.Ids(Steps.Specials);

    /// <summary>
    /// Learns a vocabulary from text: [PAD], [UNK], [CLS], [SEP], [MASK], the characters that make up 99.95 % of the
    /// text, and the tokens that merging the most frequent pairs gives (Sennrich et al. 2016), as Hugging Face's
    /// trainer. All cores are used, and the result does not depend on their number.
    /// </summary>
    /// <param name="texts">The training text.</param>
    /// <param name="vocabularySize">The size of the vocabulary. Text with little variety gives fewer tokens.</param>
    /// <param name="lowerCase">Whether text is converted to lower case without accents, as BERT's uncased models
    /// do.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The vocabulary has no room for the characters of the text.</exception>
    public static WordPieceTokenizer Train(IEnumerable<string> texts, int vocabularySize, bool lowerCase = true,
        CancellationToken cancellation = default) => Train(texts, vocabularySize, lowerCase, 0, cancellation);

    /// <inheritdoc cref="Train(IEnumerable{string}, int, bool, CancellationToken)"/>
    internal static WordPieceTokenizer Train(IEnumerable<string> texts, int vocabularySize, bool lowerCase,
        int threads, CancellationToken cancellation)
    {
        TextSteps steps = BertSteps(lowerCase, null, true, UsualSpecials);
        (string[] words, long[] counts) = steps.Count(texts, threads, cancellation);
        string[][] symbols = [.. words.Select(word => word.EnumerateRunes().Select((rune, i) =>
            i == 0 ? rune.ToString() : new WordPieceRules().Prefix + rune).ToArray())];
        var frequency = new Dictionary<string, long>();
        for (int word = 0; word < words.Length; word++)
        {
            foreach (string symbol in symbols[word])
                WordCounts.Add(frequency, symbol, counts[word]);
        }
        string[] alphabet = WordCounts.Alphabet(frequency, vocabularySize - UsualSpecials.Length);
        Dictionary<string, int> ids = alphabet.Select((symbol, id) => (symbol, id)).ToDictionary();
        int[] known = [.. Enumerable.Range(0, words.Length).Where(word => symbols[word].All(ids.ContainsKey))];
        List<(int Left, int Right)> merges = BpeTrainer.Merge(
            [.. known.Select(word => symbols[word].Select(symbol => ids[symbol]).ToArray())],
            [.. known.Select(word => counts[word])], alphabet.Length,
            vocabularySize - UsualSpecials.Length - alphabet.Length, cancellation);
        List<string> names = [.. alphabet];
        foreach ((int left, int right) in merges)
            names.Add(names[left] + names[right][new WordPieceRules().Prefix.Length..]);
        // Two orders of merging may give the same token.
        return Create([.. UsualSpecials, .. names.Distinct()], steps);
    }

    /// <summary>Reads BERT's vocab.txt, which has one token a line.</summary>
    /// <param name="vocabularyPath">The vocabulary.</param>
    /// <param name="configPath">The tokenizer_config.json with its settings; null takes those of BERT's uncased
    /// models.</param>
    /// <exception cref="AtelierException">A file is missing, damaged or unsupported, or the vocabulary lacks a special
    /// token.</exception>
    public static WordPieceTokenizer FromVocabulary(string vocabularyPath, string? configPath = null)
    {
        string[] names = InputFile.ReadAllText(vocabularyPath).TrimEnd('\n', '\r').Split('\n');
        for (int id = 0; id < names.Length; id++)
            names[id] = names[id].TrimEnd('\r');
        string[] specials = UsualSpecials;
        bool lowers = true, separates = true;
        bool? strips = null;
        if (configPath is not null)
        {
            ConfigFile file = ConfigFile.Read(configPath);
            (lowers, separates) = (file.Boolean("do_lower_case", true), file.Boolean("tokenize_chinese_chars", true));
            strips = file.BooleanOrNull("strip_accents");
            specials = [.. UsualSpecials.Select(name => TokenName(file, name))];
        }
        if (specials.FirstOrDefault(name => !names.Contains(name)) is { } missing)
            throw new AtelierException($"the vocabulary lacks the token '{missing}'", vocabularyPath,
                "use vocab.txt and tokenizer_config.json of the same model");
        WordPieceTokenizer tokenizer = AtelierException.At(vocabularyPath,
            () => Create(names, BertSteps(lowers, strips, separates, specials)));
        if (configPath is not null)
            TokenizerConfigFile.Read(configPath, tokenizer);
        return tokenizer;
    }

    /// <inheritdoc/>
    public override void Encode(ReadOnlySpan<char> text, List<int> ids) => EncodePart(text, true, ids);

    /// <inheritdoc/>
    internal override void EncodePart(ReadOnlySpan<char> text, bool isFirst, List<int> ids) =>
        Steps.Encode(text, isFirst, ids, _encodeWords);

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Bytes(int id) => _table.Bytes(id);

    /// <inheritdoc/>
    public override string Name(int id) => _table.Names[id];

    /// <inheritdoc/>
    public override void Save(string path) => TokenizerWriter.Write(path, this, _table.Names, Steps, Rules);

    /// <summary>Checks that a tokenizer_config.json normalises text as this tokenizer does.</summary>
    internal void Check(ConfigFile file)
    {
        JsonNode? normalizer = Steps.Normalizer?.ToJson();
        if ((string?)normalizer?["type"] != "BertNormalizer")
            return;
        bool lowers = (bool?)normalizer["lowercase"] ?? true;
        foreach ((string key, bool own) in new[]
        {
            ("do_lower_case", lowers), ("strip_accents", (bool?)normalizer["strip_accents"] ?? lowers),
            ("tokenize_chinese_chars", (bool?)normalizer["handle_chinese_chars"] ?? true),
        })
        {
            if (file.BooleanOrNull(key) is bool given && given != own)
                throw new AtelierException($"{key} is {(given ? "true" : "false")}, and tokenizer.json says otherwise",
                    file.Path, "use files of the same model");
        }
    }

    /// <summary>Returns the name of a special token, which a tokenizer_config.json may change.</summary>
    private static string TokenName(ConfigFile file, string usual)
    {
        string key = $"{usual[1..^1].ToLowerInvariant()}_token";
        return file.Root.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.Object
            ? file.Section(key)!.String("content", usual)
            : file.String(key, usual);
    }

    private static WordPieceTokenizer Create(IReadOnlyList<string> names, TextSteps steps)
    {
        string[] specials = [.. steps.Specials];
        var ids = names.Select((name, id) => (name, id)).DistinctBy(token => token.name).ToDictionary();
        return new WordPieceTokenizer(names, steps, new WordPieceRules(specials[1]))
        {
            Frame = TextFrame.None.Around(ids[specials[2]], ids[specials[3]]),
        };
    }

    private static TextSteps BertSteps(bool lowers, bool? strips, bool separates, string[] specials)
    {
        string accents = strips switch { null => "null", true => "true", false => "false" };
        using JsonDocument document = JsonDocument.Parse($$"""
            {
              "normalizer": {
                "type": "BertNormalizer", "clean_text": true, "strip_accents": {{accents}},
                "handle_chinese_chars": {{(separates ? "true" : "false")}},
                "lowercase": {{(lowers ? "true" : "false")}}
              },
              "pre_tokenizer": { "type": "BertPreTokenizer" }
            }
            """);
        return new TextSteps(TextNormalizer.Of(TokenizerSteps.Normalizers(document.RootElement, "")),
            WordCutter.Of(TokenizerSteps.PreTokenizers(document.RootElement, "")), [], specials);
    }

    private int[] EncodeWord(ReadOnlySpan<char> word)
    {
        var starts = _starts.GetAlternateLookup<ReadOnlySpan<char>>();
        var continuations = _continuations.GetAlternateLookup<ReadOnlySpan<char>>();
        if (word.Length > Rules.LongestWord && Characters(word) > Rules.LongestWord)
            return [_unknown];
        List<int> ids = [];
        for (int at = 0, length; at < word.Length; at += length)
        {
            var tokens = at == 0 ? starts : continuations;
            length = Math.Min(word.Length - at, _longest);
            int id = 0;
            while (length > 0 && !tokens.TryGetValue(word.Slice(at, length), out id))
                length--;
            if (length == 0)
                return [_unknown];
            ids.Add(id);
        }
        return [.. ids];
    }

    private static int Characters(ReadOnlySpan<char> word)
    {
        int count = 0;
        foreach (Rune _ in word.EnumerateRunes())
            count++;
        return count;
    }
}
