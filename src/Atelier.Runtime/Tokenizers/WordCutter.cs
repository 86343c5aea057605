using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Atelier.Tokenizers;

/// <summary>Cuts normalised text into words, by the pre-tokenizers of a tokenizer.json.</summary>
internal sealed class WordCutter
{
    private const string Isolated = "Isolated", Removed = "Removed";
    private readonly Func<Piece, IEnumerable<Piece>>[] _steps;
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

    /// <summary>Returns the words of a text.</summary>
    /// <param name="text">The normalised text.</param>
    /// <param name="isFirst">Whether it is the beginning of the whole text.</param>
    public IEnumerable<string> Cut(ReadOnlySpan<char> text, bool isFirst)
    {
        IEnumerable<Piece> pieces = [new Piece(text.ToString(), isFirst)];
        foreach (Func<Piece, IEnumerable<Piece>> step in _steps)
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

    /// <summary>Reads the step Metaspace.</summary>
    public static (SpacePrefix Prefix, bool Splits) ReadMetaspace(TokenizerStep step)
    {
        step.Check(["prepend_scheme", "add_prefix_space", "split"], ["str_rep"], ("replacement", ["\"▁\""]));
        string scheme = step.Value.TryGetProperty("prepend_scheme", out _) ? step.Text("prepend_scheme")
            : step.IsOn("add_prefix_space", true) ? "always" : "never";
        // Files of older tools have add_prefix_space only; newer ones may have both.
        bool isNever = scheme == "never";
        if (step.Value.TryGetProperty("add_prefix_space", out _) && step.IsOn("add_prefix_space", true) == isNever)
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
        return (prefix, step.IsOn("split", true));
    }

    private static Func<Piece, IEnumerable<Piece>> Read(TokenizerStep step)
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
                    .SelectMany(word => Split(word, Runs(word.Text, IsOfWord), "Contiguous"));
            case "Punctuation":
                step.Check(["behavior"], []);
                string behavior = Behavior(step, Isolated);
                return piece => Split(piece, Runs(piece.Text, BertText.IsPunctuation), behavior);
            case "Digits":
                step.Check(["individual_digits"], []);
                string digits = step.IsOn("individual_digits", false) ? Isolated : "Contiguous";
                return piece => Split(piece, Runs(piece.Text, Rune.IsNumber), digits);
            case "Split":
                return ReadSplit(step);
            case "Metaspace":
                (SpacePrefix prefix, bool splits) = ReadMetaspace(step);
                return piece => Metaspace(piece, prefix, splits);
            default:
                throw step.NotRead("pre-tokenizer");
        }
    }

    private static Func<Piece, IEnumerable<Piece>> ReadSplit(TokenizerStep step)
    {
        step.Check(["pattern", "behavior", "invert"], []);
        (string pattern, bool isRegex) = step.Pattern();
        bool inverts = step.IsOn("invert", false);
        string behavior = Behavior(step, Isolated);
        if (!isRegex)
            return piece => Split(piece, Matches(piece.Text, pattern, inverts), behavior);
        WordSplit rules = WordSplitter.Of(pattern)
            ?? throw step.NotRead("pattern.Regex", $"'{pattern}'", "the rules of GPT-2, Llama 3 and Qwen 2 are");
        // These expressions match every character, so that the behaviours differ in what they do with matches only.
        return behavior == Isolated || (behavior == Removed && inverts)
            ? piece => Words(piece, rules)
            : throw step.NotRead("behavior", $"\"{behavior}\"", $"\"{Isolated}\" is");
    }

    private static string Behavior(TokenizerStep step, string otherwise) => step.Text("behavior", otherwise) is
        (Isolated or Removed or "Contiguous" or "MergedWithPrevious" or "MergedWithNext") and var behavior
        ? behavior
        : throw step.NotRead("behavior", $"\"{step.Text("behavior")}\"",
            "\"Removed\", \"Isolated\", \"Contiguous\", \"MergedWithPrevious\" and \"MergedWithNext\" are");

    private static IEnumerable<Piece> Words(Piece piece, WordSplit rules)
    {
        for (int at = 0, length; at < piece.Text.Length; at += length)
        {
            length = WordSplitter.First(piece.Text.AsSpan(at), rules);
            yield return piece.Part(at, at + length);
        }
    }

    private static IEnumerable<Piece> Metaspace(Piece piece, SpacePrefix prefix, bool splits)
    {
        string text = piece.Text.Replace(' ', '▁');
        bool inserts = prefix == SpacePrefix.WhereAbsent || (prefix == SpacePrefix.FirstWhereAbsent && piece.IsFirst);
        if (inserts && !text.StartsWith('▁'))
            text = "▁" + text;
        int from = 0;
        for (int at = 1; splits && at < text.Length; at++)
        {
            if (text[at] != '▁')
                continue;
            yield return new Piece(text[from..at], piece.IsFirst && from == 0);
            from = at;
        }
        yield return new Piece(text[from..], piece.IsFirst && from == 0);
    }

    /// <summary>
    /// Returns the characters that match, each by itself, and the text between them.
    /// </summary>
    private static IEnumerable<(int End, bool IsMatch)> Runs(string text, Func<Rune, bool> isMatch)
    {
        for (int at = 0, from = 0; at < text.Length;)
        {
            bool matches = Rune.DecodeFromUtf16(text.AsSpan(at), out Rune rune, out int used) == OperationStatus.Done
                && isMatch(rune);
            if (matches && at > from)
                yield return (at, false);
            at += used;
            if (matches || at == text.Length)
                yield return (at, matches);
            if (matches)
                from = at;
        }
    }

    private static IEnumerable<(int End, bool IsMatch)> Matches(string text, string pattern, bool inverts)
    {
        for (int at = 0; at < text.Length;)
        {
            int next = text.IndexOf(pattern, at, StringComparison.Ordinal);
            if (next != at)
                yield return (next < 0 ? text.Length : next, inverts);
            if (next < 0)
                yield break;
            at = next + pattern.Length;
            yield return (at, !inverts);
        }
    }

    /// <summary>Joins or removes neighbouring parts as the behaviour of a splitting step says.</summary>
    private static List<Piece> Split(Piece piece, IEnumerable<(int End, bool IsMatch)> parts, string behavior)
    {
        List<Piece> pieces = [];
        int from = 0, at = 0;
        bool? last = null; // whether the part before matches
        foreach ((int end, bool isMatch) in parts)
        {
            bool joins = last is bool before && behavior switch
            {
                "Contiguous" => before == isMatch,
                "MergedWithPrevious" => isMatch && !before,
                "MergedWithNext" => before && !isMatch,
                _ => false,
            };
            if (!joins)
                Add(at);
            if (!joins)
                from = at;
            (last, at) = (isMatch, end);
        }
        Add(at);
        return pieces;

        void Add(int end)
        {
            if (end > from && !(behavior == Removed && last == true))
                pieces.Add(piece.Part(from, end));
        }
    }

    // Unicode's definition of \w: letters, marks, digits, connectors, joiners and circled letters.
    private static bool IsOfWord(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.OtherNumber or UnicodeCategory.SpaceSeparator => false,
        UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark
            or UnicodeCategory.ConnectorPunctuation or UnicodeCategory.LetterNumber => true,
        UnicodeCategory.OtherSymbol => rune.Value is (>= 0x24B6 and <= 0x24E9) or (>= 0x1F130 and <= 0x1F149)
            or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189),
        UnicodeCategory.Format => rune.Value is 0x200C or 0x200D,
        _ => Rune.IsLetterOrDigit(rune),
    };

    private readonly record struct Piece(string Text, bool IsFirst)
    {
        public Piece Part(int from, int to) =>
            from == 0 && to == Text.Length ? this : new Piece(Text[from..to], IsFirst && from == 0);
    }
}
