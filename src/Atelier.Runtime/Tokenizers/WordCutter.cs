using System.Text;
using System.Text.Json.Nodes;
using Atelier.Tokenizers.Patterns;
using static Atelier.Tokenizers.TextPieces;

namespace Atelier.Tokenizers;

/// <summary>Cuts normalised text into words, by the pre-tokenizers of a tokenizer.json.</summary>
internal sealed class WordCutter
{
    private readonly Func<CutPiece, IEnumerable<CutPiece>>[] _steps;
    private readonly JsonNode[] _sources;

    private WordCutter(IReadOnlyList<TokenizerStep> steps)
    {
        _steps = [.. steps.Select(Read)];
        _sources = [.. steps.Select(step => JsonNode.Parse(step.Value.GetRawText())!)];
    }

    /// <summary>Creates a cutter; null for no steps.</summary>
    /// <exception cref="AtelierException">A step or one of its keys is not supported.</exception>
    public static WordCutter? Of(IReadOnlyList<TokenizerStep> steps) =>
        steps.Count == 0 ? null : new WordCutter(steps);

    /// <summary>The names of the steps, in order.</summary>
    public IEnumerable<string> Names => _sources.Select(source => (string)source["type"]!);

    /// <summary>Returns the words of a text.</summary>
    /// <param name="text">The normalised text.</param>
    /// <param name="isFirst">Whether it is the beginning of the whole text.</param>
    public IEnumerable<string> Cut(ReadOnlySpan<char> text, bool isFirst)
    {
        IEnumerable<CutPiece> pieces = [new CutPiece(text.ToString(), isFirst)];
        foreach (Func<CutPiece, IEnumerable<CutPiece>> step in _steps)
            pieces = pieces.SelectMany(step);
        return pieces.Select(piece => piece.Text);
    }

    /// <summary>Returns the pre-tokenizer as in a tokenizer.json.</summary>
    public JsonNode ToJson() => _sources.Length == 1
        ? _sources[0].DeepClone()
        : new JsonObject
        {
            ["type"] = "Sequence",
            ["pretokenizers"] = new JsonArray([.. _sources.Select(source => source.DeepClone())]),
        };

    /// <summary>Reads the step Metaspace with the replacement "▁".</summary>
    public static (SpacePrefix Prefix, bool Splits) ReadMetaspace(TokenizerStep step)
    {
        (string replacement, SpacePrefix prefix, bool splits) = ReadAnyMetaspace(step);
        return replacement == "▁"
            ? (prefix, splits)
            : throw step.NotRead("replacement", $"\"{replacement}\"", "\"▁\" is");
    }

    /// <summary>Reads the step Metaspace.</summary>
    public static (string Replacement, SpacePrefix Prefix, bool Splits) ReadAnyMetaspace(TokenizerStep step)
    {
        step.Check(["prepend_scheme", "add_prefix_space", "split", "replacement"], ["str_rep"]);
        string scheme = step.Value.TryGetProperty("prepend_scheme", out _) ? step.Text("prepend_scheme")
            : step.IsOn("add_prefix_space", true) ? "always" : "never";
        // Files of older tools have add_prefix_space only; newer ones may have both.
        if (!step.IsOn("add_prefix_space", true) && scheme != "never")
            throw new AtelierException(
                $"'{step.At}prepend_scheme' is \"{scheme}\", and 'add_prefix_space' says otherwise", step.File,
                "keep one of them");
        SpacePrefix prefix = scheme switch
        {
            "never" => SpacePrefix.None,
            "first" => SpacePrefix.FirstWhereAbsent,
            "always" => SpacePrefix.WhereAbsent,
            _ => throw step.NotRead("prepend_scheme", $"\"{scheme}\"", "\"always\", \"first\" and \"never\" are"),
        };
        return (step.Character("replacement", "▁"), prefix, step.IsOn("split", true));
    }

    private static Func<CutPiece, IEnumerable<CutPiece>> Read(TokenizerStep step)
    {
        switch (step.Type)
        {
            case "BertPreTokenizer":
                step.Check([], []);
                return piece => Split(piece, Runs(piece.Text, Rune.IsWhiteSpace), Removed)
                    .SelectMany(word => Split(word, Runs(word.Text, BertText.IsPunctuation), Isolated));
            case "WhitespaceSplit":
                step.Check([], []);
                return piece => Split(piece, Runs(piece.Text, Rune.IsWhiteSpace), Removed);
            case "Whitespace": // the words of \w+|[^\w\s]+
                step.Check([], []);
                return piece => Split(piece, Runs(piece.Text, Rune.IsWhiteSpace), Removed)
                    .SelectMany(word => Split(word, Runs(word.Text, IsOfWord), Contiguous));
            case "Punctuation":
                step.Check(["behavior"], []);
                string behavior = Behavior(step, Isolated);
                return piece => Split(piece, Runs(piece.Text, BertText.IsPunctuation), behavior);
            case "Digits":
                step.Check(["individual_digits"], []);
                string digits = step.IsOn("individual_digits", false) ? Isolated : Contiguous;
                return piece => Split(piece, Runs(piece.Text, Rune.IsNumber), digits);
            case "Split":
                return ReadSplit(step);
            case "Metaspace":
                (string replacement, SpacePrefix prefix, bool splits) = ReadAnyMetaspace(step);
                return piece => Metaspace(piece, replacement, prefix, splits);
            case "ByteLevel":
                return ReadByteLevel(step);
            case "CharDelimiterSplit":
                step.Check(["delimiter"], []);
                string delimiter = step.Character("delimiter");
                return piece => Split(piece, Matches(piece.Text, delimiter, false), Removed);
            case "UnicodeScripts":
                step.Check([], []);
                return ByScript;
            case "FixedLength":
                step.Check(["length"], []);
                int length = step.Number("length", 5, least: 1);
                return piece => OfLength(piece, length);
            default:
                throw step.NotRead("pre-tokenizer");
        }
    }

    private static Func<CutPiece, IEnumerable<CutPiece>> ReadSplit(TokenizerStep step)
    {
        step.Check(["pattern", "behavior", "invert"], []);
        (string pattern, bool isRegex) = step.Pattern();
        bool inverts = step.IsOn("invert", false);
        string behavior = Behavior(step, Isolated);
        if (!isRegex)
            return piece => Split(piece, Matches(piece.Text, pattern, inverts), behavior);
        // The rules of known tokenizers, which match every character, are written by hand: they are faster.
        if (WordSplitter.Of(pattern) is { } rules && (behavior == Isolated || (behavior == Removed && inverts)))
            return piece => Words(piece, rules);
        TextPattern expression = step.Regex(pattern);
        return piece => Split(piece, Matches(piece.Text, expression, inverts), behavior);
    }

    private static Func<CutPiece, IEnumerable<CutPiece>> ReadByteLevel(TokenizerStep step)
    {
        step.Check(["add_prefix_space", "use_regex"], ["trim_offsets"]);
        bool prepends = step.IsOn("add_prefix_space", true), splits = step.IsOn("use_regex", true);
        return piece =>
        {
            if (prepends && !piece.Text.StartsWith(' '))
                piece = piece with { Text = " " + piece.Text };
            IEnumerable<CutPiece> words = splits ? Words(piece, WordSplit.Gpt2) : [piece];
            return words.Select(word => word with { Text = TokenTable.ByteLevelName(Wtf8.Encode(word.Text)) });
        };
    }

    private static string Behavior(TokenizerStep step, string otherwise)
    {
        string behavior = step.Text("behavior", otherwise);
        return Behaviors.Contains(behavior)
            ? behavior
            : throw step.NotRead("behavior", $"\"{behavior}\"", $"supported are {string.Join(", ", Behaviors)}");
    }

    private static IEnumerable<CutPiece> Words(CutPiece piece, WordSplit rules)
    {
        for (int at = 0, length; at < piece.Text.Length; at += length)
        {
            length = WordSplitter.First(piece.Text.AsSpan(at), rules);
            yield return piece.Part(at, at + length);
        }
    }

    private static IEnumerable<CutPiece> Metaspace(CutPiece piece, string replacement, SpacePrefix prefix,
        bool splits)
    {
        string text = piece.Text.Replace(" ", replacement, StringComparison.Ordinal);
        bool inserts = prefix == SpacePrefix.WhereAbsent || (prefix == SpacePrefix.FirstWhereAbsent && piece.IsFirst);
        if (inserts && !text.StartsWith(replacement, StringComparison.Ordinal))
            text = replacement + text;
        CutPiece whole = piece with { Text = text };
        return splits ? Split(whole, Matches(text, replacement, false), MergedWithNext) : [whole];
    }
}
