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
    public static void Write(string path, IReadOnlyList<string> names,
        IReadOnlyList<(string Left, string Right)> merges, IReadOnlyCollection<string> specials, TokenizerLayout layout,
        IReadOnlyList<AddedToken>? added = null, BpeRules? rules = null, SentencePieceRules? pieces = null)
    {
        var vocabulary = new JsonObject();
        for (int id = 0; id < names.Count; id++)
            vocabulary[names[id]] = id;
        JsonNode[] tokens =
        [
            .. specials.Select(name => Added(new(name, vocabulary[name]!.GetValue<int>(), IsNormalized: false),
                isSpecial: true)),
            .. (added ?? []).Select(token => Added(token, isSpecial: false)),
        ];
        pieces = layout == TokenizerLayout.SentencePiece ? pieces ?? new SentencePieceRules() : null;
        var root = new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = new JsonArray(tokens),
            ["normalizer"] = Normalizer(rules, pieces),
            ["pre_tokenizer"] = layout switch
            {
                TokenizerLayout.ByteLevel => Words(rules?.Split ?? WordSplit.Gpt2, merges.Count > 0),
                TokenizerLayout.SentencePiece when UsesMetaspace(pieces!) => Metaspace(pieces!),
                _ => null,
            },
            ["post_processor"] = null,
            ["decoder"] = layout switch
            {
                TokenizerLayout.ByteLevel => ByteLevel(merges.Count > 0),
                TokenizerLayout.SentencePiece when pieces!.Prefix == SpacePrefix.None =>
                    Sequence("decoders", Replace("▁", " "), Step("ByteFallback"), Step("Fuse")),
                TokenizerLayout.SentencePiece =>
                    Sequence("decoders", Replace("▁", " "), Step("ByteFallback"), Step("Fuse"),
                        Step("Strip", ("content", " "), ("start", 1), ("stop", 0))),
                _ => Sequence("decoders", Step("ByteFallback"), Step("Fuse")),
            },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["dropout"] = null,
                ["unk_token"] = null,
                ["continuing_subword_prefix"] = null,
                ["end_of_word_suffix"] = null,
                ["fuse_unk"] = false,
                ["byte_fallback"] = layout is TokenizerLayout.CharacterFallback or TokenizerLayout.SentencePiece,
                ["ignore_merges"] = rules?.TakesWholeWords ?? false,
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray([.. merges.Select(m => (JsonNode)$"{m.Left} {m.Right}")]),
            },
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

    private static JsonObject? Normalizer(BpeRules? rules, SentencePieceRules? pieces)
    {
        if (rules?.Normalizer is { } normalizer)
            return Sequence("normalizers", [.. normalizer.Steps.Select(step => Step(step))]);
        if (pieces is null || UsesMetaspace(pieces))
            return null;
        return pieces.Prefix == SpacePrefix.Always
            ? Sequence("normalizers", Step("Prepend", ("prepend", "▁")), Replace(" ", "▁"))
            : Replace(" ", "▁");
    }

    private static JsonObject Added(AddedToken token, bool isSpecial) => new()
    {
        ["id"] = token.Id, ["content"] = token.Text, ["single_word"] = false, ["lstrip"] = false, ["rstrip"] = false,
        ["normalized"] = token.IsNormalized, ["special"] = isSpecial,
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
