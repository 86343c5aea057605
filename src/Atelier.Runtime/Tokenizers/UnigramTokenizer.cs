using System.Text.Json;

namespace Atelier.Tokenizers;

/// <summary>The settings in which unigram tokenizers of different models differ.</summary>
/// <param name="Unknown">The id of the token for characters that the vocabulary cannot express; null for none.</param>
/// <param name="FallsBack">Whether such characters are encoded as bytes instead.</param>
/// <param name="StripsSpace">Whether decoding removes the space before a text.</param>
internal sealed record UnigramRules(int? Unknown, bool FallsBack, bool StripsSpace);

/// <summary>
/// The unigram language model of SentencePiece (Kudo 2018; Kudo and Richardson 2018), as in T5: of all divisions of a
/// word into tokens the most probable one is taken. Spaces are "▁" in the names of tokens.
/// </summary>
public sealed class UnigramTokenizer : Tokenizer
{
    private const double UnknownPenalty = 10; // below the least score, as in SentencePiece
    private static readonly string[] UsualSpecials = ["<pad>", "</s>", "<unk>"];
    private readonly TokenTable _table;
    private readonly double[] _scores;
    private readonly UnigramLattice _lattice;
    private readonly WordCache _words;
    private readonly PieceEncoder _encodeWords;

    /// <summary>Creates a tokenizer from a vocabulary.</summary>
    /// <param name="names">The names of the tokens by id, with "▁" for spaces.</param>
    /// <param name="scores">The log-probabilities of the first tokens; those after them are added tokens.</param>
    /// <param name="steps">The steps before the division of words.</param>
    /// <param name="rules">The settings. With a byte fallback the vocabulary has all bytes.</param>
    internal UnigramTokenizer(IReadOnlyList<string> names, double[] scores, TextSteps steps, UnigramRules rules)
    {
        (_scores, Steps, Rules) = (scores, steps, rules);
        HashSet<string> added = [.. steps.Added.Select(token => token.Text)];
        _table = new TokenTable(names, name =>
            IsSpecial(name) ? []
            : added.Contains(name) || !rules.FallsBack ? Wtf8.Encode(name.Replace('▁', ' '))
            : TokenTable.PieceBytes(name));
        _lattice = new UnigramLattice(
            new PieceTrie(names.Take(scores.Length).Select((name, id) => (name, id)).Where(piece =>
                !IsSpecial(piece.name) && !added.Contains(piece.name)
                && !(rules.FallsBack && TokenTable.FallbackByte(piece.name) is not null))),
            scores, scores.DefaultIfEmpty().Min() - UnknownPenalty);
        _words = new WordCache(EncodeWord);
        _encodeWords = (text, isFirst, ids) => Steps.EncodeWords(text, isFirst, ids, _words);

        bool IsSpecial(string name) =>
            steps.Specials.Contains(name) || (rules.Unknown is int unknown && names[unknown] == name);
    }

    /// <inheritdoc/>
    public override string Kind => "unigram";

    /// <inheritdoc/>
    public override int VocabularySize => _table.Count;

    /// <inheritdoc/>
    public override int? EndOfTextId => Steps.Specials.Contains("</s>") ? _table.IdOrNull("</s>") : null;

    /// <inheritdoc/>
    public override bool BeginsWithSpace => Rules.StripsSpace;

    /// <summary>The steps before the division of words.</summary>
    internal TextSteps Steps { get; }

    /// <summary>The settings of this tokenizer.</summary>
    internal UnigramRules Rules { get; }

    /// <inheritdoc/>
    internal override IEnumerable<(string Name, int Id)> SpecialIds => _table.Ids(Steps.Specials);

    /// <summary>
    /// Learns a vocabulary from text by expectation maximisation (Kudo 2018, section 3.2): &lt;pad&gt;, &lt;/s&gt;,
    /// &lt;unk&gt;, the tokens by probability, and the sentinels in T5's order, &lt;extra_id_0&gt; last. Tokens do not
    /// extend across spaces, and the characters that make up 99.95 % of the text are tokens. All cores are used, and
    /// the result does not depend on their number.
    /// </summary>
    /// <param name="texts">The training text.</param>
    /// <param name="vocabularySize">The size of the vocabulary. Text with little variety gives fewer tokens.</param>
    /// <param name="sentinels">The number of sentinels, &lt;extra_id_0&gt; and so on (Raffel et al. 2020).</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The vocabulary has no room for the characters of the text.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The number of sentinels is negative.</exception>
    public static UnigramTokenizer Train(IEnumerable<string> texts, int vocabularySize, int sentinels = 0,
        CancellationToken cancellation = default) => Train(texts, vocabularySize, sentinels, 0, cancellation);

    /// <inheritdoc cref="Train(IEnumerable{string}, int, int, CancellationToken)"/>
    internal static UnigramTokenizer Train(IEnumerable<string> texts, int vocabularySize, int sentinels, int threads,
        CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sentinels);
        string[] last = [.. Enumerable.Range(0, sentinels).Reverse().Select(SpecialTokens.SentinelName)];
        using JsonDocument document = JsonDocument.Parse("""
            { "pre_tokenizer": { "type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true } }
            """);
        TextSteps steps = new(null, WordCutter.Of(TokenizerSteps.PreTokenizers(document.RootElement, "")), [],
            [.. UsualSpecials, .. last]);
        (string[] words, long[] counts) = steps.Count(texts, threads, cancellation);
        List<(string Text, double Score)> pieces = UnigramTrainer.Learn(words, counts,
            vocabularySize - UsualSpecials.Length - sentinels, threads, cancellation);
        return new UnigramTokenizer([.. UsualSpecials, .. pieces.Select(piece => piece.Text), .. last],
            [.. UsualSpecials.Select(_ => 0.0), .. pieces.Select(piece => piece.Score), .. last.Select(_ => 0.0)],
            steps, new UnigramRules(Array.IndexOf(UsualSpecials, "<unk>"), false, true))
        {
            Frame = TextFrame.None.Before(Array.IndexOf(UsualSpecials, "</s>")),
        };
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
    public override void Save(string path) =>
        TokenizerWriter.Write(path, this, _table.Names, Steps, Rules, _scores);

    private int[] EncodeWord(ReadOnlySpan<char> word)
    {
        List<int> ids = [];
        bool wasUnknown = false;
        foreach ((int id, int start, int end) in _lattice.Best(word))
        {
            if (id >= 0)
                ids.Add(id);
            else if (Rules.FallsBack)
                ids.AddRange(Wtf8.Encode(word[start..end]).Select(value =>
                    _table.IdOrNull(TokenTable.FallbackName(value))!.Value));
            else if (!wasUnknown) // neighbouring unknown characters are one token
                ids.Add(Rules.Unknown!.Value);
            wasUnknown = id < 0;
        }
        return [.. ids];
    }
}
