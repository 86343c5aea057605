using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Formats;

namespace Atelier.Tokenizers;

/// <summary>The way in which text is split into symbols before the merges are applied.</summary>
internal enum TokenizerLayout
{
    /// <summary>Bytes in GPT-2's byte-level alphabet.</summary>
    ByteLevel,

    /// <summary>Characters; those outside the vocabulary are refused.</summary>
    Character,

    /// <summary>Characters; those outside the vocabulary are encoded as bytes.</summary>
    CharacterFallback,

    /// <summary>Characters with "▁" for spaces; those outside the vocabulary are encoded as bytes.</summary>
    SentencePiece,
}

/// <summary>Writes tokenizer.json, the format of Hugging Face's tokenizers.</summary>
internal static class TokenizerWriter
{
    /// <summary>Writes a tokenizer of byte pair encoding.</summary>
    public static void Write(string path, Tokenizer tokenizer, IReadOnlyList<string> names,
        IReadOnlyList<(string Left, string Right)> merges, TokenizerLayout layout,
        IReadOnlyList<AddedToken>? added = null, BpeRules? rules = null, SentencePieceRules? pieces = null)
    {
        pieces = layout == TokenizerLayout.SentencePiece ? pieces ?? new SentencePieceRules() : null;
        JsonNode? words = layout switch
        {
            TokenizerLayout.ByteLevel => Words(rules?.Split ?? WordSplit.Gpt2, merges.Count > 0),
            TokenizerLayout.SentencePiece when UsesMetaspace(pieces!) => Metaspace(pieces!),
            _ => null,
        };
        JsonNode decoder = layout switch
        {
            TokenizerLayout.ByteLevel => ByteLevel(merges.Count > 0),
            TokenizerLayout.SentencePiece => PieceDecoder(pieces!.Prefix != SpacePrefix.None),
            _ => Sequence("decoders", Step("ByteFallback"), Step("Fuse")),
        };
        Write(path, tokenizer, names, added ?? [], Normalizer(rules, pieces), words, decoder, new JsonObject
        {
            ["type"] = "BPE",
            ["dropout"] = null,
            ["unk_token"] = null,
            ["continuing_subword_prefix"] = null,
            ["end_of_word_suffix"] = null,
            ["fuse_unk"] = false,
            ["byte_fallback"] = layout is TokenizerLayout.CharacterFallback or TokenizerLayout.SentencePiece,
            ["ignore_merges"] = rules?.TakesWholeWords ?? false,
            ["vocab"] = Vocabulary(names),
            ["merges"] = new JsonArray([.. merges.Select(m => (JsonNode)$"{m.Left} {m.Right}")]),
        });
    }

    /// <summary>Writes a tokenizer of WordPiece.</summary>
    public static void Write(string path, Tokenizer tokenizer, IReadOnlyList<string> names, TextSteps steps,
        WordPieceRules rules) =>
        Write(path, tokenizer, names, steps.Added, steps.Normalizer?.ToJson(), steps.Words?.ToJson(),
            Step("WordPiece", ("prefix", rules.Prefix), ("cleanup", rules.CleansUp)), Step("WordPiece",
                ("unk_token", rules.Unknown), ("continuing_subword_prefix", rules.Prefix),
                ("max_input_chars_per_word", rules.LongestWord), ("vocab", Vocabulary(names))));

    /// <summary>Writes a unigram tokenizer.</summary>
    public static void Write(string path, Tokenizer tokenizer, IReadOnlyList<string> names, TextSteps steps,
        UnigramRules rules, double[] scores)
    {
        JsonObject model = Step("Unigram", ("byte_fallback", rules.FallsBack),
            ("vocab", new JsonArray([.. scores.Select((score, id) => new JsonArray(names[id], score))])));
        model["unk_id"] = rules.Unknown;
        Write(path, tokenizer, names, steps.Added, steps.Normalizer?.ToJson(), steps.Words?.ToJson(),
            PieceDecoder(rules.StripsSpace), model);
    }

    private static void Write(string path, Tokenizer tokenizer, IReadOnlyList<string> names,
        IReadOnlyList<AddedToken> added, JsonNode? normalizer, JsonNode? words, JsonNode decoder, JsonObject model)
    {
        JsonNode[] tokens =
        [
            .. tokenizer.NamedSpecials.Select(token => Added(token, isSpecial: true)),
            .. added.Select(token => Added(token, isSpecial: false)),
        ];
        var root = new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = TextFrameReader.TruncationOf(tokenizer.Frame),
            ["padding"] = null,
            ["added_tokens"] = new JsonArray(tokens),
            ["normalizer"] = normalizer,
            ["pre_tokenizer"] = words,
            ["post_processor"] = TextFrameReader.PostProcessor(tokenizer.Frame, names),
            ["decoder"] = decoder,
            ["model"] = model,
        };
        var options = new JsonWriterOptions
        {
            Indented = true,
            Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        };
        AtomicFile.Write(path, stream =>
        {
            using var writer = new Utf8JsonWriter(stream, options);
            root.WriteTo(writer);
        });
    }

    private static JsonObject Vocabulary(IReadOnlyList<string> names)
    {
        var vocabulary = new JsonObject();
        for (int id = 0; id < names.Count; id++)
            vocabulary[names[id]] = id;
        return vocabulary;
    }

    private static JsonObject PieceDecoder(bool stripsSpace)
    {
        JsonObject[] plain = [Replace("▁", " "), Step("ByteFallback"), Step("Fuse")];
        return Sequence("decoders", stripsSpace
            ? [.. plain, Step("Strip", ("content", " "), ("start", 1), ("stop", 0))]
            : plain);
    }

    private static JsonNode? Normalizer(BpeRules? rules, SentencePieceRules? pieces)
    {
        if (rules?.Normalizer is { } normalizer)
            return normalizer.ToJson();
        if (pieces is null || UsesMetaspace(pieces))
            return null;
        return pieces.Prefix == SpacePrefix.Always
            ? Sequence("normalizers", Step("Prepend", ("prepend", "▁")), Replace(" ", "▁"))
            : Replace(" ", "▁");
    }

    private static JsonObject Added(AddedToken token, bool isSpecial) => new()
    {
        ["id"] = token.Id, ["content"] = token.Text, ["single_word"] = token.IsWord, ["lstrip"] = token.StripsLeft,
        ["rstrip"] = token.StripsRight, ["normalized"] = token.IsNormalized, ["special"] = isSpecial,
    };

    private static JsonObject Words(WordSplit split, bool splits)
    {
        if (WordSplitter.Pattern(split) is string pattern)
        {
            JsonObject words = Step("Split", ("pattern", new JsonObject { ["Regex"] = pattern }),
                ("behavior", "Isolated"), ("invert", false));
            return Sequence("pretokenizers", words, ByteLevel(false));
        }
        return split == WordSplit.Gpt2Digits
            ? Sequence("pretokenizers", Step("Digits", ("individual_digits", true)), ByteLevel(true))
            : ByteLevel(splits);
    }

    /// <summary>
    /// Returns whether spaces are handled by the pre-tokenizer Metaspace rather than by a normalizer.
    /// </summary>
    private static bool UsesMetaspace(SentencePieceRules rules) => rules.SplitsWords
        || rules.Prefix is SpacePrefix.WhereAbsent or SpacePrefix.FirstWhereAbsent;

    private static JsonObject Metaspace(SentencePieceRules rules)
    {
        string scheme = rules.Prefix switch
        {
            SpacePrefix.None => "never",
            SpacePrefix.FirstWhereAbsent => "first",
            _ => "always",
        };
        return Step("Metaspace", ("replacement", "▁"), ("prepend_scheme", scheme), ("split", rules.SplitsWords));
    }

    private static JsonObject ByteLevel(bool splits) =>
        Step("ByteLevel", ("add_prefix_space", false), ("trim_offsets", true), ("use_regex", splits));

    private static JsonObject Step(string type, params (string Key, JsonNode Value)[] values)
    {
        var step = new JsonObject { ["type"] = type };
        foreach ((string key, JsonNode value) in values)
            step[key] = value;
        return step;
    }

    private static JsonObject Replace(string from, string to) =>
        Step("Replace", ("pattern", new JsonObject { ["String"] = from }), ("content", to));

    private static JsonObject Sequence(string name, params JsonNode[] steps) =>
        Step("Sequence", (name, new JsonArray(steps)));
}
