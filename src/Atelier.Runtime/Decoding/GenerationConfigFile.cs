using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Formats;

namespace Atelier.Decoding;

/// <summary>A bundle's generation_config.json, with Hugging Face's keys.</summary>
/// <param name="Decoding">How tokens are chosen where a request does not say.</param>
/// <param name="StartId">The token that a text begins after (bos_token_id); null where the file does not say.</param>
public sealed record GenerationConfigFile(DecodingOptions Decoding, int? StartId)
{
    /// <summary>Reads a file; keys that it lacks keep their defaults, and a missing file gives all defaults.</summary>
    /// <exception cref="AtelierException">The file is damaged.</exception>
    public static GenerationConfigFile Read(string path)
    {
        if (!File.Exists(path))
            return new GenerationConfigFile(new DecodingOptions(), null);
        try
        {
            using JsonDocument document = JsonDocument.Parse(InputFile.ReadAllBytes(path), new JsonDocumentOptions { MaxDepth = 16 });
            JsonElement root = document.RootElement;
            var defaults = new DecodingOptions();
            bool samples = root.ValueKind == JsonValueKind.Object && !(root.TryGetProperty("do_sample", out JsonElement s) && s.ValueKind == JsonValueKind.False);
            return new GenerationConfigFile(
                (defaults with
                {
                    MaxTokens = Get(root, "max_new_tokens")?.GetInt32() ?? defaults.MaxTokens,
                    Temperature = samples ? Get(root, "temperature")?.GetDouble() ?? defaults.Temperature : 0,
                    TopK = Get(root, "top_k")?.GetInt32() ?? defaults.TopK,
                    TopP = Get(root, "top_p")?.GetDouble() ?? defaults.TopP,
                    MinP = Get(root, "min_p")?.GetDouble() ?? defaults.MinP,
                    TypicalP = Get(root, "typical_p")?.GetDouble() ?? defaults.TypicalP,
                    BeamWidth = Get(root, "num_beams")?.GetInt32() ?? defaults.BeamWidth,
                    LengthPenalty = Get(root, "length_penalty")?.GetDouble() ?? defaults.LengthPenalty,
                    RepetitionPenalty = Get(root, "repetition_penalty")?.GetDouble() ?? defaults.RepetitionPenalty,
                    PresencePenalty = Get(root, "presence_penalty")?.GetDouble() ?? defaults.PresencePenalty,
                    FrequencyPenalty = Get(root, "frequency_penalty")?.GetDouble() ?? defaults.FrequencyPenalty,
                    Stop = Get(root, "stop_strings") is JsonElement stop
                        ? [.. (stop.ValueKind == JsonValueKind.Array ? stop.EnumerateArray().Select(e => e.GetString()!) : [stop.GetString()!])]
                        : defaults.Stop,
                    Lookup = Get(root, "prompt_lookup_length")?.GetInt32() ?? defaults.Lookup,
                    DraftTokens = Get(root, "num_assistant_tokens")?.GetInt32() ?? defaults.DraftTokens,
                    Pattern = Get(root, "pattern")?.GetString(),
                    Schema = Get(root, "json_schema")?.GetString(),
                }).Check(path),
                Get(root, "bos_token_id")?.GetInt32());
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new AtelierException($"not a generation_config.json: {e.Message.TrimEnd('.')}", path, "mend or delete it: without it the defaults hold", e);
        }
    }

    /// <summary>Writes the file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="endOfTextId">The token that ends a text (eos_token_id), or null.</param>
    /// <exception cref="AtelierException">The place cannot be written.</exception>
    public void Write(string path, int? endOfTextId)
    {
        var root = new JsonObject
        {
            ["bos_token_id"] = StartId,
            ["eos_token_id"] = endOfTextId,
            ["do_sample"] = Decoding.Temperature > 0,
            ["max_new_tokens"] = Decoding.MaxTokens,
            ["temperature"] = Decoding.Temperature > 0 ? Decoding.Temperature : 1.0,
            ["top_k"] = Decoding.TopK,
            ["top_p"] = Decoding.TopP,
            ["min_p"] = Decoding.MinP,
            ["typical_p"] = Decoding.TypicalP,
            ["num_beams"] = Decoding.BeamWidth,
            ["length_penalty"] = Decoding.LengthPenalty,
            ["repetition_penalty"] = Decoding.RepetitionPenalty,
            ["presence_penalty"] = Decoding.PresencePenalty,
            ["frequency_penalty"] = Decoding.FrequencyPenalty,
        };
        if (Decoding.Stop.Count > 0)
            root["stop_strings"] = new JsonArray([.. Decoding.Stop.Select(stop => (JsonNode)stop)]);
        if (Decoding.Lookup > 0)
            root["prompt_lookup_length"] = Decoding.Lookup;
        if (Decoding.DraftTokens != new DecodingOptions().DraftTokens)
            root["num_assistant_tokens"] = Decoding.DraftTokens;
        if (Decoding.Pattern is not null)
            root["pattern"] = Decoding.Pattern;
        if (Decoding.Schema is not null)
            root["json_schema"] = Decoding.Schema;
        AtomicFile.Write(path, stream =>
        {
            using var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
            root.WriteTo(writer);
        });
    }

    private static JsonElement? Get(JsonElement root, string key) =>
        root.TryGetProperty(key, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
