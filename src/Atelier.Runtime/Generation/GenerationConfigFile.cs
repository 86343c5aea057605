using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Formats;

namespace Atelier.Generation;

/// <summary>A bundle's generation_config.json, with Hugging Face's keys.</summary>
/// <param name="Decoding">The sampling defaults, used where a request does not set them.</param>
/// <param name="StartId">The start token (bos_token_id); null if the file has none.</param>
/// <param name="EndIds">The end tokens, each of which ends a text (eos_token_id, a number or a list); null if the file
/// has none.</param>
public sealed record GenerationConfigFile(DecodingOptions Decoding, int? StartId, IReadOnlyList<int>? EndIds = null)
{
    private static readonly KnownKeys Known = new(
        [
            "max_new_tokens", "do_sample", "temperature", "top_k", "top_p", "min_p", "typical_p", "num_beams",
            "length_penalty", "repetition_penalty", "presence_penalty", "frequency_penalty", "stop_strings",
            "prompt_lookup_length", "num_assistant_tokens", "pattern", "json_schema", "grammar",
            "bos_token_id", "eos_token_id", "coverage_penalty", "num_beam_groups", "diversity_penalty",
            "no_repeat_ngram_size", "min_new_tokens",
        ],
        // Ignored keys: names and versions; caches and proposals, which only change the speed; outputs about a text;
        // and the length of prompt and text together, which max_new_tokens replaces.
        [
            "_from_model_config", "transformers_version", "_commit_hash", "pad_token_id", "decoder_start_token_id",
            "max_length", "use_cache", "cache_implementation", "cache_config", "return_legacy_cache",
            "output_attentions", "output_hidden_states", "output_scores", "output_logits", "return_dict_in_generate",
            "num_return_sequences", "remove_invalid_values", "low_memory", "disable_compile", "compile_config",
            "trust_remote_code", "is_assistant", "num_assistant_tokens_schedule", "assistant_confidence_threshold",
            "assistant_early_exit", "assistant_lookbehind", "target_lookbehind", "prompt_lookup_num_tokens",
            "max_matching_ngram_size", "prefill_chunk_size", "renormalize_logits",
        ],
        ("min_length", ["0"]), ("early_stopping", ["false", "true", "\"never\""]),
        ("encoder_no_repeat_ngram_size", ["0"]), ("encoder_repetition_penalty", ["1"]),
        ("epsilon_cutoff", ["0"]), ("eta_cutoff", ["0"]),
        ("guidance_scale", ["1"]), ("penalty_alpha", ["0"]));

    /// <summary>Reads a file. Missing keys take their defaults; a missing file gives the defaults of all.</summary>
    /// <exception cref="AtelierException">The file is damaged, or has an unsupported setting.</exception>
    public static GenerationConfigFile Read(string path)
    {
        var defaults = new DecodingOptions();
        if (!File.Exists(path))
            return new GenerationConfigFile(defaults, null);
        ConfigFile file = ConfigFile.Read(path);
        file.RefuseUnread(Known);
        DecodingOptions decoding = defaults with
        {
            MaxTokens = file.Integer("max_new_tokens", defaults.MaxTokens),
            Temperature = file.Boolean("do_sample", true) ? file.Number("temperature", defaults.Temperature) : 0,
            TopK = file.Integer("top_k", defaults.TopK),
            TopP = file.Number("top_p", defaults.TopP),
            MinP = file.Number("min_p", defaults.MinP),
            TypicalP = file.Number("typical_p", defaults.TypicalP),
            BeamWidth = file.Integer("num_beams", defaults.BeamWidth),
            LengthPenalty = file.Number("length_penalty", defaults.LengthPenalty),
            CoveragePenalty = file.Number("coverage_penalty", defaults.CoveragePenalty),
            BeamGroups = file.Integer("num_beam_groups", defaults.BeamGroups),
            DiversityPenalty = file.Number("diversity_penalty", defaults.DiversityPenalty),
            EarlyStopping = file.Root.TryGetProperty("early_stopping", out JsonElement stopping)
                && stopping.ValueKind == JsonValueKind.True, // false and "never" differ only in Hugging Face's bound
            NoRepeatNgram = file.Integer("no_repeat_ngram_size", defaults.NoRepeatNgram),
            MinTokens = file.Integer("min_new_tokens", defaults.MinTokens),
            RepetitionPenalty = file.Number("repetition_penalty", defaults.RepetitionPenalty),
            PresencePenalty = file.Number("presence_penalty", defaults.PresencePenalty),
            FrequencyPenalty = file.Number("frequency_penalty", defaults.FrequencyPenalty),
            Stop = file.Strings("stop_strings") ?? defaults.Stop,
            Lookup = file.Integer("prompt_lookup_length", defaults.Lookup),
            DraftTokens = file.Integer("num_assistant_tokens", defaults.DraftTokens),
            Pattern = file.String("pattern", "") is { Length: > 0 } pattern ? pattern : null,
            Schema = file.String("json_schema", "") is { Length: > 0 } schema ? schema : null,
            Grammar = file.String("grammar", "") is { Length: > 0 } grammar ? grammar : null,
        };
        return new GenerationConfigFile(decoding.Check(path), file.IntegerOrNull("bos_token_id"),
            file.Integers("eos_token_id"));
    }

    /// <summary>Writes the file.</summary>
    /// <param name="path">The path of the file.</param>
    /// <exception cref="AtelierException">The file cannot be written.</exception>
    public void Write(string path)
    {
        var root = new JsonObject
        {
            ["bos_token_id"] = StartId,
            ["eos_token_id"] = EndIds switch
            {
                null or [] => null,
                [int one] => one,
                _ => new JsonArray([.. EndIds.Select(id => (JsonNode)id)]),
            },
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
        if (Decoding.CoveragePenalty > 0)
            root["coverage_penalty"] = Decoding.CoveragePenalty;
        if (Decoding.BeamGroups > 1)
            (root["num_beam_groups"], root["diversity_penalty"]) = (Decoding.BeamGroups, Decoding.DiversityPenalty);
        if (Decoding.EarlyStopping)
            root["early_stopping"] = true;
        if (Decoding.NoRepeatNgram > 0)
            root["no_repeat_ngram_size"] = Decoding.NoRepeatNgram;
        if (Decoding.MinTokens > 0)
            root["min_new_tokens"] = Decoding.MinTokens;
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
        if (Decoding.Grammar is not null)
            root["grammar"] = Decoding.Grammar;
        AtomicFile.Write(path, stream =>
        {
            using var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
            root.WriteTo(writer);
        });
    }
}
