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

    /// <summary>The same without the space before the text.</summary>
    SentencePieceBare,
}

/// <summary>Reads and writes tokenizer.json, the form of Hugging Face's tokenizers.</summary>
public static class TokenizerFile
{
    private const long LongestFile = 256 << 20;

    /// <summary>Reads a tokenizer.json, or llama2.c's tokenizer.bin: by the file's ending.</summary>
    /// <exception cref="AtelierException">The file is missing, damaged, or of a kind that is not read.</exception>
    public static Tokenizer Open(string path) =>
        Path.GetExtension(path) == ".json" ? Load(path) : SentencePieceTokenizer.FromLlama2C(path);

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
            using JsonDocument document = JsonDocument.Parse(InputFile.ReadAllBytes(path), new JsonDocumentOptions { MaxDepth = 32 });
            return AtelierException.At(path, () => Read(document.RootElement, path));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or KeyNotFoundException or ArgumentException)
        {
            throw new AtelierException($"not a tokenizer.json: {e.Message.TrimEnd('.')}", path, "take the file from its source again", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AtelierException($"cannot be read: {e.Message.TrimEnd('.')}", path, inner: e);
        }
    }

    internal static void Write(string path, IReadOnlyList<string> names, IReadOnlyList<(string Left, string Right)> merges,
        IReadOnlyCollection<string> specials, TokenizerLayout layout, BpeRules? rules = null)
    {
        var vocabulary = new JsonObject();
        for (int id = 0; id < names.Count; id++)
            vocabulary[names[id]] = id;
        JsonNode[] added = [.. specials.Select(name => new JsonObject
        {
            ["id"] = vocabulary[name]!.GetValue<int>(), ["content"] = name, ["single_word"] = false, ["lstrip"] = false, ["rstrip"] = false,
            ["normalized"] = false, ["special"] = true,
        })];
        bool isSentencePiece = layout is TokenizerLayout.SentencePiece or TokenizerLayout.SentencePieceBare;
        var root = new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = new JsonArray(added),
            ["normalizer"] = layout switch
            {
                TokenizerLayout.SentencePiece => Sequence("normalizers", Step("Prepend", ("prepend", "▁")), Replace(" ", "▁")),
                TokenizerLayout.SentencePieceBare => Replace(" ", "▁"),
                _ => null,
            },
            ["pre_tokenizer"] = layout != TokenizerLayout.ByteLevel ? null
                : WordSplitter.Pattern(rules?.Split ?? WordSplit.Gpt2) is not string pattern ? ByteLevel(merges.Count > 0)
                : Sequence("pretokenizers",
                    Step("Split", ("pattern", new JsonObject { ["Regex"] = pattern }), ("behavior", "Isolated"), ("invert", false)), ByteLevel(false)),
            ["post_processor"] = null,
            ["decoder"] = layout switch
            {
                TokenizerLayout.ByteLevel => ByteLevel(merges.Count > 0),
                TokenizerLayout.SentencePieceBare => Sequence("decoders", Replace("▁", " "), Step("ByteFallback"), Step("Fuse")),
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
                ["byte_fallback"] = layout == TokenizerLayout.CharacterFallback || isSentencePiece,
                ["ignore_merges"] = rules?.TakesWholeWords ?? false,
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
        HashSet<string> specials = [];
        foreach (JsonProperty token in model.GetProperty("vocab").EnumerateObject())
            tokens[token.Name] = token.Value.GetInt32();
        if (root.TryGetProperty("added_tokens", out JsonElement added) && added.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement token in added.EnumerateArray())
            {
                string name = token.GetProperty("content").GetString() ?? "";
                tokens[name] = token.GetProperty("id").GetInt32();
                if (token.TryGetProperty("special", out JsonElement special) && special.ValueKind == JsonValueKind.True)
                    specials.Add(name);
            }
        }
        IReadOnlyList<string> names = NamesById(tokens.Select(t => (t.Key, t.Value)), path);
        (string Left, string Right)[] merges = [.. model.GetProperty("merges").EnumerateArray().Select(m => ReadMerge(m, path))];
        IReadOnlyList<JsonElement> steps = Steps(root, "pre_tokenizer", "pretokenizers");
        if (steps.FirstOrDefault(s => s.GetProperty("type").GetString() == "ByteLevel") is { ValueKind: JsonValueKind.Object } byteLevel)
        {
            return merges.Length == 0 && names.SequenceEqual(ByteTokenizer.Names)
                ? new ByteTokenizer()
                : new BpeTokenizer(names, merges, ReadRules(model, steps, byteLevel, specials, path));
        }
        if (merges.Length > 0)
            return new SentencePieceTokenizer(names, merges, BeginsWithSpace(root, steps), specials);
        return new CharacterTokenizer(names);
    }

    private static BpeRules ReadRules(JsonElement model, IReadOnlyList<JsonElement> steps, JsonElement byteLevel, HashSet<string> specials, string path)
    {
        if (byteLevel.TryGetProperty("add_prefix_space", out JsonElement prefix) && prefix.ValueKind == JsonValueKind.True)
            throw new AtelierException("byte-level BPE that puts a space before the text is not read", path, "choose a model whose add_prefix_space is false");
        string? pattern = steps.FirstOrDefault(s => s.GetProperty("type").GetString() == "Split") is { ValueKind: JsonValueKind.Object } split
            ? split.GetProperty("pattern").GetProperty("Regex").GetString()
            : null;
        if (pattern is null && byteLevel.TryGetProperty("use_regex", out JsonElement regex) && regex.ValueKind == JsonValueKind.False)
            throw new AtelierException("byte-level BPE over text that is not split into words is not read", path, "the rules of GPT-2, Llama 3 and Qwen 2 are");
        WordSplit[] known = [.. Enum.GetValues<WordSplit>().Where(s => WordSplitter.Pattern(s) == pattern)];
        if (known.Length == 0)
            throw new AtelierException($"its words are split by '{pattern}', which is not read", path, "the rules of GPT-2, Llama 3 and Qwen 2 are");
        return new BpeRules
        {
            Split = known[0],
            TakesWholeWords = model.TryGetProperty("ignore_merges", out JsonElement whole) && whole.ValueKind == JsonValueKind.True,
            Specials = specials.Count == 0 ? [TokenTable.EndOfText] : specials,
        };
    }

    /// <summary>Whether a space is put before the text: by a normalizer of older files, by Metaspace in newer ones.</summary>
    private static bool BeginsWithSpace(JsonElement root, IReadOnlyList<JsonElement> steps)
    {
        foreach (JsonElement step in steps.Where(s => s.GetProperty("type").GetString() == "Metaspace"))
            return !(step.TryGetProperty("prepend_scheme", out JsonElement scheme) && scheme.ValueEquals("never"));
        return Steps(root, "normalizer", "normalizers").Any(s => s.GetProperty("type").GetString() == "Prepend");
    }

    /// <summary>The steps of a part of the pipeline, whether one stands alone or several in a sequence.</summary>
    private static IReadOnlyList<JsonElement> Steps(JsonElement root, string part, string inner)
    {
        if (!root.TryGetProperty(part, out JsonElement step) || step.ValueKind != JsonValueKind.Object)
            return [];
        return step.TryGetProperty(inner, out JsonElement several) ? [.. several.EnumerateArray()] : [step];
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
