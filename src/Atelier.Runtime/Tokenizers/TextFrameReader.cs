using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Formats;

namespace Atelier.Tokenizers;

/// <summary>Reads and writes the post-processor, the truncation and the padding of a tokenizer.json.</summary>
/// <param name="path">The path of the file.</param>
/// <param name="tokens">The ids of all tokens by name.</param>
internal sealed class TextFrameReader(string path, IReadOnlyDictionary<string, int> tokens)
{
    private const string Damaged = "download the file again";
    private static readonly KnownKeys Truncation = new(["max_length", "direction", "strategy"], ["stride"]);

    // A batch of one text has no padding, unless its length is rounded up.
    private static readonly KnownKeys Padding = new([], ["direction", "pad_id", "pad_type_id", "pad_token"],
        ("strategy", ["\"BatchLongest\""]), ("pad_to_multiple_of", ["0", "1"]));

    /// <summary>Reads the three parts.</summary>
    /// <exception cref="AtelierException">A part is not supported.</exception>
    public TextFrame Read(JsonElement root, IReadOnlyList<AddedToken> specials)
    {
        TextFrame? frame = null;
        foreach (TokenizerStep step in TokenizerStep.All(root, "post_processor", "processors", path))
        {
            TextFrame? read = Read(step);
            if (read is not null && frame is not null)
                throw new AtelierException("post_processor has two templates", path, Damaged);
            frame ??= read;
        }
        if (Part(root, "padding") is { } padding)
        {
            if (padding.TryGetProperty("strategy", out JsonElement strategy)
                && strategy.ValueKind != JsonValueKind.String)
                throw new AtelierException($"'padding.strategy' is {strategy.GetRawText()}, which is not supported",
                    path, "supported is \"BatchLongest\": set padding to null");
            Padding.Check(padding, path, "padding.");
        }
        return (frame ?? TextFrame.None) with
        {
            Truncation = Part(root, "truncation") is { } value ? ReadTruncation(value) : null,
            Specials = specials,
        };
    }

    /// <summary>Returns the post-processor of a frame as in a tokenizer.json; null if it has no template.</summary>
    public static JsonNode? PostProcessor(TextFrame frame, IReadOnlyList<string> names)
    {
        if (!frame.HasTemplate)
            return null;
        var specials = new JsonObject();
        foreach (int id in frame.Single.Concat(frame.Pair).Select(part => part.Token).OfType<int>().Distinct())
        {
            specials[names[id]] = new JsonObject
            {
                ["id"] = names[id], ["ids"] = new JsonArray(id), ["tokens"] = new JsonArray(names[id]),
            };
        }
        return new JsonObject
        {
            ["type"] = "TemplateProcessing", ["single"] = Template(frame.Single), ["pair"] = Template(frame.Pair),
            ["special_tokens"] = specials,
        };

        JsonArray Template(IReadOnlyList<FramePart> parts) => new([.. parts.Select(part => new JsonObject
        {
            [part.Token is null ? "Sequence" : "SpecialToken"] = new JsonObject
            {
                ["id"] = part.Token is int id ? names[id] : part.IsSecond ? "B" : "A", ["type_id"] = part.TypeId,
            },
        })]);
    }

    /// <summary>Returns the truncation of a frame as in a tokenizer.json; null if it has none.</summary>
    public static JsonNode? TruncationOf(TextFrame frame) => frame.Truncation is not { } truncation
        ? null
        : new JsonObject
        {
            ["direction"] = truncation.Direction, ["max_length"] = truncation.MaxLength,
            ["strategy"] = truncation.Strategy, ["stride"] = 0,
        };

    private TextFrame? Read(TokenizerStep step)
    {
        switch (step.Type)
        {
            case "ByteLevel": // changes offsets, not tokens
                step.Check([], ["add_prefix_space", "trim_offsets", "use_regex"]);
                return null;
            case "TemplateProcessing":
                step.Check(["single", "pair", "special_tokens"], []);
                return new TextFrame
                {
                    Single = Template(step, "single", "A"), Pair = Template(step, "pair", "A", "B"),
                    HasTemplate = true,
                };
            case "BertProcessing" or "RobertaProcessing":
                step.Check(["sep", "cls"], ["trim_offsets", "add_prefix_space"]);
                int cls = Token(step, "cls"), sep = Token(step, "sep");
                return step.Type == "BertProcessing"
                    ? TextFrame.None.Around(cls, sep)
                    : new TextFrame
                    {
                        Single = [new(cls, false, 0), new(null, false, 0), new(sep, false, 0)],
                        Pair =
                        [
                            new(cls, false, 0), new(null, false, 0), new(sep, false, 0), new(sep, false, 0),
                            new(null, true, 0), new(sep, false, 0),
                        ],
                        HasTemplate = true,
                    };
            default:
                throw step.NotRead("post-processor");
        }
    }

    /// <summary>Reads a template, in which each of the texts has exactly one place.</summary>
    private FramePart[] Template(TokenizerStep step, string key, params string[] texts)
    {
        if (!step.Value.TryGetProperty(key, out JsonElement list) || list.ValueKind != JsonValueKind.Array
            || (key == "pair" && list.GetArrayLength() == 0))
        {
            return key == "pair" ? []
                : throw new AtelierException($"'{step.At}{key}' is not a list", path, Damaged);
        }
        FramePart[] parts = [.. list.EnumerateArray().Select(part => Place(step, part))];
        string[] found = [.. parts.Where(part => part.Token is null).Select(part => part.IsSecond ? "B" : "A")];
        string wanted = texts.Length == 1 ? "one text" : "two texts";
        return found.Order(StringComparer.Ordinal).SequenceEqual(texts)
            ? parts
            : throw new AtelierException($"'{step.At}{key}' has places for the texts {string.Join(", ", found)}, "
                + $"expected {wanted}: {string.Join(", ", texts)}", path, Damaged);
    }

    private FramePart Place(TokenizerStep step, JsonElement part)
    {
        bool isText = part.TryGetProperty("Sequence", out JsonElement place);
        if (!isText)
            place = part.GetProperty("SpecialToken");
        string name = place.GetProperty("id").GetString() ?? "";
        int type = place.TryGetProperty("type_id", out JsonElement value) ? value.GetInt32() : 0;
        return isText ? new FramePart(null, name == "B", type) : new FramePart(TemplateId(step, name), false, type);
    }

    /// <summary>Returns the id of a token of a template, which must be the one in the vocabulary.</summary>
    private int TemplateId(TokenizerStep step, string name)
    {
        int? given = null;
        if (step.Value.TryGetProperty("special_tokens", out JsonElement listed)
            && listed.TryGetProperty(name, out JsonElement token))
        {
            JsonElement ids = token.GetProperty("ids");
            if (ids.GetArrayLength() != 1)
                throw new AtelierException($"'{step.At}special_tokens.{name}' has {ids.GetArrayLength()} ids, "
                    + "which is not supported", path, "one id a token is");
            given = ids[0].GetInt32();
        }
        return Known(name, given);
    }

    /// <summary>Reads a token with its id: ["[SEP]", 102].</summary>
    private int Token(TokenizerStep step, string key)
    {
        JsonElement pair = step.Value.GetProperty(key);
        return Known(pair[0].GetString() ?? "", pair[1].GetInt32());
    }

    private int Known(string name, int? given) => tokens.TryGetValue(name, out int id) && (given ?? id) == id
        ? id
        : throw new AtelierException($"post_processor inserts '{name}'{(given is null ? "" : $" with the id {given}")}"
            + ", which is not a token", path, Damaged);

    private TextTruncation ReadTruncation(JsonElement value)
    {
        Truncation.Check(value, path, "truncation.");
        int most = value.GetProperty("max_length").GetInt32();
        if (most < 1)
            throw new AtelierException($"'truncation.max_length' is {most}", path, "1 or more tokens are possible");
        return new TextTruncation(most, OneOf("strategy", "LongestFirst", "OnlyFirst", "OnlySecond"),
            OneOf("direction", "Right", "Left"));

        string OneOf(string key, params string[] allowed)
        {
            string text = value.TryGetProperty(key, out JsonElement given) ? given.GetString() ?? "" : allowed[0];
            return allowed.Contains(text) ? text
                : throw new AtelierException($"'truncation.{key}' is \"{text}\", which is not supported", path,
                    $"supported are {string.Join(", ", allowed)}");
        }
    }

    private static JsonElement? Part(JsonElement root, string key) =>
        root.TryGetProperty(key, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
