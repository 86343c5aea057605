using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Formats;

namespace Atelier.Tokenizers;

/// <summary>
/// Makes tokenizers of other formats that are a pipeline of steps: it writes the tokenizer.json with the same meaning.
/// </summary>
internal static class MadePipelines
{
    private const string WordStart = "▁";

    /// <summary>Reads byte pair encoding whose words are found by regular expressions.</summary>
    /// <exception cref="AtelierException">The vocabulary is damaged or not supported.</exception>
    public static Tokenizer MergePairs(string path, string[] names, IEnumerable<string> specials,
        IReadOnlyList<AddedToken> added, IReadOnlyList<(string Left, string Right)> merges, GgufPreTokenizer rules)
    {
        IEnumerable<JsonObject> splits = rules.Patterns.Select(pattern => new JsonObject
        {
            ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = pattern }, ["behavior"] = "Isolated",
            ["invert"] = false,
        });
        JsonObject bytes = new()
        {
            ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = false,
        };
        var decoders = rules.IsByteLevel ? new JsonArray(bytes.DeepClone())
            : new JsonArray(new JsonObject { ["type"] = "ByteFallback" }, new JsonObject { ["type"] = "Fuse" });
        if (rules.EscapesSpaces)
            decoders.Insert(0, Replace(WordStart, " "));
        Tokenizer tokenizer = Read(path, new JsonObject
        {
            ["added_tokens"] = Added(path, names, specials, added),
            ["normalizer"] = rules.EscapesSpaces ? Replace(" ", WordStart) : null,
            ["pre_tokenizer"] = new JsonObject
            {
                ["type"] = "Sequence", ["pretokenizers"] = new JsonArray([.. splits, .. rules.IsByteLevel ? [bytes]
                    : Array.Empty<JsonObject>()]),
            },
            ["decoder"] = decoders.Count == 1 ? decoders[0]!.DeepClone()
                : new JsonObject { ["type"] = "Sequence", ["decoders"] = decoders },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE", ["vocab"] = Vocabulary(names), ["ignore_merges"] = rules.TakesWholeWords,
                ["byte_fallback"] = !rules.IsByteLevel,
                ["merges"] = new JsonArray([.. merges.Select(pair => new JsonArray(pair.Left, pair.Right))]),
            },
        });
        // llama.cpp takes line ends of such a vocabulary whole, regardless of the merges.
        if (rules.EscapesSpaces && names.FirstOrDefault(name => name.Length > 1 && name.All(c => c == '\n')
            && tokenizer.Encode(name).Length > 1) is { } lines)
        {
            throw new AtelierException($"the merges do not lead to the token of {lines.Length} line ends", path,
                "convert the model again with a newer tool");
        }
        return tokenizer;
    }

    /// <summary>Reads BERT's WordPiece, whose tokens that begin a word are marked instead of those that continue it.
    /// </summary>
    /// <exception cref="AtelierException">The vocabulary is damaged or not supported.</exception>
    public static Tokenizer Bert(GgufFile file, string[] names, IReadOnlyCollection<string> specials)
    {
        string[] own = [.. names.Select(name => specials.Contains(name) || (name[0] == '[' && name[^1] == ']') ? name
            : name.StartsWith(WordStart, StringComparison.Ordinal) && name.Length > 1 ? name[1..] : "##" + name)];
        const string key = "tokenizer.ggml.";
        bool lowers = file.Boolean(key + "normalizer.lowercase", true);
        string first = Token("cls_token_id", 101), last = Token("seperator_token_id", 102);
        string unknown = Token("unknown_token_id", 100);
        return Read(file.Path, new JsonObject
        {
            ["added_tokens"] = Added(file.Path, own, [.. specials, unknown], []),
            ["normalizer"] = new JsonObject
            {
                ["type"] = "BertNormalizer", ["lowercase"] = lowers,
                ["strip_accents"] = file.Boolean(key + "normalizer.strip_accents", lowers),
            },
            ["pre_tokenizer"] = new JsonObject { ["type"] = "BertPreTokenizer" },
            ["post_processor"] = new JsonObject
            {
                ["type"] = "BertProcessing", ["cls"] = new JsonArray(first, Array.IndexOf(own, first)),
                ["sep"] = new JsonArray(last, Array.IndexOf(own, last)),
            },
            ["decoder"] = new JsonObject { ["type"] = "WordPiece", ["prefix"] = "##" },
            ["model"] = new JsonObject
            {
                ["type"] = "WordPiece", ["vocab"] = Vocabulary(own), ["unk_token"] = unknown,
            },
        });

        string Token(string name, int usual)
        {
            long id = file.Contains(key + name) ? file.Integer(key + name) : usual;
            return id >= 0 && id < own.Length ? own[id]
                : throw new AtelierException($"'{key}{name}' is {id}, and there are {own.Length} tokens", file.Path,
                    "download the file again");
        }
    }

    /// <summary>Reads a tokenizer.json that was made.</summary>
    /// <param name="path">The path of the file that it was made of.</param>
    /// <param name="root">The tokenizer.json.</param>
    public static Tokenizer Read(string path, JsonObject root)
    {
        using JsonDocument document = JsonDocument.Parse(root.ToJsonString());
        return new TokenizerReader(path).Read(document.RootElement);
    }

    /// <summary>Returns the step that replaces a string, or the matches of an expression.</summary>
    public static JsonObject Replace(string from, string to, bool isRegex = false) => new()
    {
        ["type"] = "Replace", ["pattern"] = new JsonObject { [isRegex ? "Regex" : "String"] = from }, ["content"] = to,
    };

    /// <summary>Returns the ids by name.</summary>
    public static JsonObject Vocabulary(string[] names)
    {
        JsonObject vocabulary = [];
        foreach ((int id, string name) in names.Index())
            vocabulary[name] = id;
        return vocabulary;
    }

    /// <summary>Returns the added tokens.</summary>
    /// <exception cref="AtelierException">A name appears twice.</exception>
    public static JsonArray Added(string path, string[] names, IEnumerable<string> specials,
        IReadOnlyList<AddedToken> added)
    {
        Dictionary<string, int> ids = [];
        foreach ((int id, string name) in names.Index())
        {
            if (!ids.TryAdd(name, id))
                throw new AtelierException($"token '{name}' appears twice in the vocabulary", path,
                    "download the file again");
        }
        IEnumerable<(string Name, bool IsSpecial)> all =
            [.. specials.Distinct().Select(name => (name, true)), .. added.Select(token => (token.Text, false))];
        return new JsonArray([.. all.OrderBy(token => ids[token.Name]).Select(token => new JsonObject
        {
            ["id"] = ids[token.Name], ["content"] = token.Name, ["special"] = token.IsSpecial, ["normalized"] = false,
        })]);
    }
}
