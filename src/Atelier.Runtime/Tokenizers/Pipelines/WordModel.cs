namespace Atelier.Tokenizers.Pipelines;

/// <summary>Divides words into tokens: the model of a tokenizer.json.</summary>
internal abstract class WordModel
{
    /// <summary>The name of the kind of model, as in <see cref="Tokenizer.Kind"/>.</summary>
    public abstract string Kind { get; }

    /// <summary>Appends the ids of the tokens of a word that is not empty.</summary>
    /// <exception cref="AtelierException">The vocabulary cannot express the word.</exception>
    public abstract void Encode(string word, List<int> ids);

    /// <summary>Returns the error for text that the vocabulary cannot express.</summary>
    protected static AtelierException Unknown(string text) =>
        new($"the vocabulary can express neither '{text}' nor unknown text",
            hint: "use a tokenizer with an unknown token");
}

/// <summary>Words are tokens; all others are one unknown token.</summary>
/// <param name="vocabulary">The ids of the words.</param>
/// <param name="unknown">The id of the unknown token; null for none.</param>
internal sealed class WordLevelModel(IReadOnlyDictionary<string, int> vocabulary, int? unknown) : WordModel
{
    public override string Kind => "word-level";

    public override void Encode(string word, List<int> ids) =>
        ids.Add(vocabulary.TryGetValue(word, out int id) ? id : unknown ?? throw Unknown(word));
}

/// <summary>
/// The longest tokens from left to right (WordPiece: Devlin et al. 2019). A word that cannot be divided, or with too
/// many characters, is one unknown token.
/// </summary>
/// <param name="vocabulary">The ids of the tokens.</param>
/// <param name="unknown">The id of the unknown token; null for none.</param>
/// <param name="prefix">The prefix of tokens that continue a word; may be empty.</param>
/// <param name="longestWord">The greatest number of characters.</param>
internal sealed class WordPieceModel(IReadOnlyDictionary<string, int> vocabulary, int? unknown, string prefix,
    int longestWord) : WordModel
{
    private readonly int _longestToken = vocabulary.Keys.Max(name => name.Length);

    public override string Kind => "wordpiece";

    public override void Encode(string word, List<int> ids)
    {
        int before = ids.Count;
        bool isWhole = word.EnumerateRunes().Count() <= longestWord;
        for (int at = 0; isWhole && at < word.Length;)
        {
            int end = Math.Min(word.Length, at + _longestToken), id = -1;
            for (; end > at; end--)
            {
                if (vocabulary.TryGetValue((at > 0 ? prefix : "") + word[at..end], out id))
                    break;
            }
            isWhole = end > at;
            ids.Add(id);
            at = end;
        }
        if (isWhole)
            return;
        ids.RemoveRange(before, ids.Count - before);
        ids.Add(unknown ?? throw Unknown(word));
    }
}

/// <summary>
/// The most probable tokens (unigram: Kudo 2018). Characters without a token become bytes or one unknown token.
/// </summary>
internal sealed class UnigramModel : WordModel
{
    private const double UnknownPenalty = 10; // below the least score, as in SentencePiece
    private readonly IReadOnlyDictionary<string, int> _vocabulary;
    private readonly UnigramLattice _lattice;
    private readonly int? _unknown;
    private readonly bool _fallsBack;

    /// <summary>Creates a model.</summary>
    /// <param name="pieces">The tokens with their log-probabilities, by id.</param>
    /// <param name="specials">The special tokens, which are not found in words.</param>
    /// <param name="unknown">The id of the unknown token; null for none.</param>
    /// <param name="fallsBack">Whether characters without a token are bytes, if the vocabulary has these.</param>
    public UnigramModel((string Name, double Score)[] pieces, IReadOnlySet<string> specials, int? unknown,
        bool fallsBack)
    {
        (_unknown, _fallsBack) = (unknown, fallsBack);
        _vocabulary = pieces.Index().ToDictionary(piece => piece.Item.Name, piece => piece.Index);
        _lattice = new UnigramLattice(
            new PieceTrie(_vocabulary.Where(piece => !specials.Contains(piece.Key))
                .Select(piece => (piece.Key, piece.Value))),
            [.. pieces.Select(piece => piece.Score)], pieces.Min(piece => piece.Score) - UnknownPenalty);
    }

    public override string Kind => "unigram";

    public override void Encode(string word, List<int> ids)
    {
        int unknownFrom = -1;
        foreach ((int id, int start, int end) in _lattice.Best(word))
        {
            bool isUnknown = id < 0 || id == _unknown;
            if (unknownFrom >= 0 && !isUnknown)
                EncodeUnknown(word[unknownFrom..start], ids);
            unknownFrom = !isUnknown ? -1 : unknownFrom < 0 ? start : unknownFrom;
            if (!isUnknown)
                ids.Add(id);
        }
        if (unknownFrom >= 0)
            EncodeUnknown(word[unknownFrom..], ids);
    }

    /// <summary>Neighbouring unknown characters are one token.</summary>
    private void EncodeUnknown(string text, List<int> ids)
    {
        if (_fallsBack && ByteFallback.Ids(text, _vocabulary) is { } bytes)
            ids.AddRange(bytes);
        else
            ids.Add(_unknown ?? throw Unknown(text));
    }
}

/// <summary>The bytes that stand for characters without a token.</summary>
internal static class ByteFallback
{
    /// <summary>Returns the ids of the bytes of a text; null if the vocabulary lacks one of them.</summary>
    public static int[]? Ids(string text, IReadOnlyDictionary<string, int> vocabulary)
    {
        byte[] bytes = Wtf8.Encode(text);
        var ids = new int[bytes.Length];
        for (int i = 0; i < bytes.Length; i++)
        {
            if (!vocabulary.TryGetValue(TokenTable.FallbackName(bytes[i]), out ids[i]))
                return null;
        }
        return ids;
    }
}
