using System.Text;

namespace Atelier.Tokenizers.Pipelines;

/// <summary>The settings of a model of byte pair encoding in a tokenizer.json.</summary>
internal sealed record BpeModelRules
{
    /// <summary>The id of the unknown token; null if there is none, so that unknown characters are left out.</summary>
    public int? Unknown { get; init; }

    /// <summary>Whether neighbouring unknown characters are one token.</summary>
    public bool FusesUnknown { get; init; }

    /// <summary>Whether unknown characters are bytes, if the vocabulary has these.</summary>
    public bool FallsBack { get; init; }

    /// <summary>Whether a word of the vocabulary is one token regardless of the merges.</summary>
    public bool TakesWholeWords { get; init; }

    /// <summary>The prefix of the tokens that continue a word.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>The suffix of the tokens that end a word.</summary>
    public string Suffix { get; init; } = "";
}

/// <summary>Byte pair encoding of the characters of a word (Sennrich et al. 2016).</summary>
internal sealed class BpeModel : WordModel
{
    private readonly IReadOnlyDictionary<string, int> _vocabulary;
    private readonly IReadOnlySet<string> _specials;
    private readonly MergeTable _merges = new();
    private readonly BpeModelRules _rules;

    /// <summary>Creates a model.</summary>
    /// <param name="vocabulary">The ids of the tokens.</param>
    /// <param name="merges">The merges in the order in which they were learned.</param>
    /// <param name="specials">The special tokens, which words do not become.</param>
    /// <param name="rules">The settings.</param>
    /// <exception cref="AtelierException">The vocabulary lacks a token of a merge.</exception>
    public BpeModel(IReadOnlyDictionary<string, int> vocabulary, IReadOnlyList<(string Left, string Right)> merges,
        IReadOnlySet<string> specials, BpeModelRules rules)
    {
        (_vocabulary, _specials, _rules) = (vocabulary, specials, rules);
        for (int rank = 0; rank < merges.Count; rank++)
        {
            (string left, string right) = merges[rank];
            if (right.Length < rules.Prefix.Length)
                throw Missing(right);
            string merged = left + right[rules.Prefix.Length..];
            if (!specials.Contains(merged))
                _merges.Add(Id(left), Id(right), rank, Id(merged));
        }
    }

    public override string Kind => "bpe";

    public override void Encode(string word, List<int> ids)
    {
        if (_rules.TakesWholeWords && !_specials.Contains(word) && _vocabulary.TryGetValue(word, out int whole))
        {
            ids.Add(whole);
            return;
        }
        int[] symbols = [.. Symbols(word)];
        ids.AddRange(symbols.AsSpan(0, _merges.Apply(symbols)));
    }

    /// <summary>Returns the tokens of the characters.</summary>
    private List<int> Symbols(string word)
    {
        List<int> symbols = [];
        // A delayed unknown token: bytes after it come before it, as in Hugging Face's tokenizers.
        bool isUnknown = false;
        for (int at = 0, used; at < word.Length; at += used)
        {
            _ = Rune.DecodeFromUtf16(word.AsSpan(at), out _, out used);
            string name = (at > 0 ? _rules.Prefix : "") + word.Substring(at, used)
                + (at + used == word.Length ? _rules.Suffix : "");
            if (_vocabulary.TryGetValue(name, out int id))
            {
                if (isUnknown)
                    symbols.Add(_rules.Unknown!.Value);
                isUnknown = false;
                symbols.Add(id);
            }
            else if (_rules.FallsBack && ByteFallback.Ids(name, _vocabulary) is { } bytes)
            {
                symbols.AddRange(bytes);
            }
            else if (_rules.Unknown is int unknown)
            {
                if (isUnknown && !_rules.FusesUnknown)
                    symbols.Add(unknown);
                isUnknown = true;
            }
        }
        if (isUnknown)
            symbols.Add(_rules.Unknown!.Value);
        return symbols;
    }

    private int Id(string name) => _vocabulary.TryGetValue(name, out int id) ? id : throw Missing(name);

    private static AtelierException Missing(string name) => new($"the vocabulary lacks the token '{name}'",
        hint: "its vocabulary and merges do not belong together");
}
