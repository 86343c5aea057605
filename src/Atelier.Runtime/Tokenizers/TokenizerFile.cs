using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Formats;

namespace Atelier.Tokenizers;

/// <summary>How a tokenizer.json says that text becomes symbols before merges are applied.</summary>
internal enum TokenizerLayout
{
    /// <summary>Bytes written as GPT-2's letters.</summary>
    ByteLevel,

    /// <summary>Characters, others refused.</summary>
    Character,

    /// <summary>Characters, others spelled in bytes.</summary>
    CharacterFallback,

    /// <summary>Characters with spaces as "▁", one put before the text, others spelled in bytes.</summary>
    SentencePiece,
}

/// <summary>Reads and writes tokenizer.json, the form of Hugging Face's tokenizers.</summary>
public static class TokenizerFile
{
    private const long LongestFile = 256 << 20;

    /// <summary>Reads a tokenizer.json: byte-level BPE, characters, or Llama's BPE with bytes as a fallback.</summary>
    /// <exception cref="AtelierException">The file is missing, damaged, or of a kind that is not read.</exception>
    public static Tokenizer Load(string path)
    {
        if (!File.Exists(path))
            throw new AtelierException("no such file", path);
        if (new FileInfo(path).Length > LongestFile)
            throw new AtelierException("too large for a tokenizer.json", path);
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions { MaxDepth = 32 });
            return Read(document.RootElement, path);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or KeyNotFoundException or ArgumentException)
        {
            throw new AtelierException($"not a tokenizer.json: {e.Message.TrimEnd('.')}", path, "take the file from its source again", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AtelierException($"cannot be read: {e.Message.TrimEnd('.')}", path, inner: e);
        }
        catch (AtelierException e) when (e.Where is null)
        {
            throw new AtelierException(e.Message, path, e.Hint, e);
        }
    }

    internal static void Write(
        string path, IReadOnlyList<string> names, IReadOnlyList<(string Left, string Right)> merges, int? endOfTextId, TokenizerLayout layout)
    {
        var vocabulary = new JsonObject();
        for (int id = 0; id < names.Count; id++)
            vocabulary[names[id]] = id;
        var added = new JsonArray();
        if (endOfTextId is int end)
        {
            JsonNode token = new JsonObject
            {
                ["id"] = end, ["content"] = names[end], ["single_word"] = false, ["lstrip"] = false, ["rstrip"] = false,
                ["normalized"] = false, ["special"] = true,
            };
            added.Add(token);
        }
        var root = new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = added,
            ["normalizer"] = layout != TokenizerLayout.SentencePiece ? null : Sequence("normalizers",
                Step("Prepend", ("prepend", "▁")), Replace(" ", "▁")),
            ["pre_tokenizer"] = layout != TokenizerLayout.ByteLevel ? null
                : Step("ByteLevel", ("add_prefix_space", false), ("trim_offsets", true), ("use_regex", merges.Count > 0)),
            ["post_processor"] = null,
            ["decoder"] = layout switch
            {
                TokenizerLayout.ByteLevel => Step("ByteLevel", ("add_prefix_space", false), ("trim_offsets", true), ("use_regex", merges.Count > 0)),
                TokenizerLayout.SentencePiece => Sequence("decoders", Replace("▁", " "), Step("ByteFallback"), Step("Fuse"),
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
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray([.. merges.Select(m => (JsonNode)$"{m.Left} {m.Right}")]),
            },
        };
        AtomicFile.Write(path, stream =>
        {
            using var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
            root.WriteTo(writer);
        });
    }

    /// <summary>The names in the order of their ids.</summary>
    /// <exception cref="AtelierException">Ids are missing or stand twice.</exception>
    internal static IReadOnlyList<string> NamesById(IEnumerable<(string Name, int Id)> tokens, string path)
    {
        (string Name, int Id)[] ordered = [.. tokens.OrderBy(t => t.Id)];
        for (int id = 0; id < ordered.Length; id++)
        {
            if (ordered[id].Id != id)
                throw new AtelierException($"its ids do not run from 0 to {ordered.Length - 1}: {id} is missing", path);
        }
        return [.. ordered.Select(t => t.Name)];
    }

    internal static (string Left, string Right) MergePair(string line, string path)
    {
        int space = line.Length == 0 ? -1 : line.IndexOf(' ', 1);
        return space > 0 && space < line.Length - 1
            ? (line[..space], line[(space + 1)..])
            : throw new AtelierException($"'{line}' is no merge: two tokens with a space between are", path);
    }

    /// <summary>A merge as it stands in the file: two strings, or one with a space between.</summary>
    private static (string Left, string Right) ReadMerge(JsonElement merge, string path) => merge.ValueKind switch
    {
        JsonValueKind.String => MergePair(merge.GetString()!, path),
        JsonValueKind.Array when merge.GetArrayLength() == 2 && merge.EnumerateArray().All(side => side.ValueKind == JsonValueKind.String) =>
            (merge[0].GetString()!, merge[1].GetString()!),
        _ => throw new AtelierException($"'{merge.GetRawText()}' is no merge: two tokens are", path),
    };

    private static Tokenizer Read(JsonElement root, string path)
    {
        JsonElement model = root.GetProperty("model");
        string type = model.TryGetProperty("type", out JsonElement typeName) ? typeName.GetString() ?? "" : "BPE";
        if (type != "BPE")
            throw new AtelierException($"a tokenizer of type {type} is not read", path, "byte-level BPE, characters and Llama's BPE are");
        Dictionary<string, int> tokens = [];
        foreach (JsonProperty token in model.GetProperty("vocab").EnumerateObject())
            tokens[token.Name] = token.Value.GetInt32();
        if (root.TryGetProperty("added_tokens", out JsonElement added) && added.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement token in added.EnumerateArray())
                tokens[token.GetProperty("content").GetString()!] = token.GetProperty("id").GetInt32();
        }
        IReadOnlyList<string> names = NamesById(tokens.Select(t => (t.Key, t.Value)), path);
        (string Left, string Right)[] merges = [.. model.GetProperty("merges").EnumerateArray().Select(m => ReadMerge(m, path))];

        if (IsByteLevel(root))
            return merges.Length == 0 && names.SequenceEqual(ByteTokenizer.Names) ? new ByteTokenizer() : new BpeTokenizer(names, merges);
        if (merges.Length > 0)
            return new SentencePieceTokenizer(names, merges);
        return new CharacterTokenizer(names);
    }

    /// <summary>Whether text is turned into byte-level letters, by a step alone or in a sequence.</summary>
    private static bool IsByteLevel(JsonElement root)
    {
        if (!root.TryGetProperty("pre_tokenizer", out JsonElement step) || step.ValueKind != JsonValueKind.Object)
            return false;
        IEnumerable<JsonElement> steps = step.TryGetProperty("pretokenizers", out JsonElement inner) ? inner.EnumerateArray() : [step];
        return steps.Any(s => s.GetProperty("type").GetString() == "ByteLevel");
    }

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
