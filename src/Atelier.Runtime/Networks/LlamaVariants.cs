using Atelier.Formats;

namespace Atelier.Networks;

/// <summary>
/// Reads the configurations of the models that vary Llama's shape, and of GPT-NeoX, from Hugging Face's config.json.
/// </summary>
internal static class LlamaVariants
{
    private const string Full = "full_attention", Sliding = "sliding_attention";

    private static readonly (string, string[]) NoDroppedLayers = ("mlp_only_layers", []);

    private static readonly Dictionary<string, Variant> Known = new()
    {
        [GgufNames.Mistral] = new(["MistralForCausalLM", "MistralModel"], [], file => Of(file) with
        {
            Window = Window(file),
        }),
        [GgufNames.Mixtral] = new(["MixtralForCausalLM", "MixtralModel"],
            ["num_local_experts", "num_experts_per_tok"], file => Of(file) with
        {
            Window = Window(file),
            Experts = new(file.Integer("num_local_experts"), file.Integer("num_experts_per_tok"),
                file.Integer("intermediate_size"), IsNormalised: true),
        }),
        [GgufNames.Qwen2] = new(["Qwen2ForCausalLM", "Qwen2Model"], ["use_sliding_window", "max_window_layers"],
            ReadQwen2),
        [GgufNames.Qwen3] = new(["Qwen3ForCausalLM", "Qwen3Model"],
            ["use_sliding_window", "max_window_layers", "attention_bias"], ReadQwen3),
        [GgufNames.Qwen2Moe] = new(["Qwen2MoeForCausalLM", "Qwen2MoeModel"],
            [
                "use_sliding_window", "max_window_layers", "moe_intermediate_size", "num_experts",
                "num_experts_per_tok", "norm_topk_prob", "shared_expert_intermediate_size",
            ], file => ReadQwen2(file) with { Experts = QwenExperts(file) },
            [("decoder_sparse_step", ["1"]), NoDroppedLayers, ("qkv_bias", ["true"])]),
        [GgufNames.Qwen3Moe] = new(["Qwen3MoeForCausalLM", "Qwen3MoeModel"],
            [
                "use_sliding_window", "max_window_layers", "attention_bias", "moe_intermediate_size", "num_experts",
                "num_experts_per_tok", "norm_topk_prob",
            ], file => ReadQwen3(file) with { Experts = QwenExperts(file) },
            [("decoder_sparse_step", ["1"]), NoDroppedLayers]),
        [GgufNames.Gemma] = new(["GemmaForCausalLM", "GemmaModel"], ["attention_bias"],
            ReadGemma, [.. GemmaActivations], TiesHead: true),
        [GgufNames.Gemma2] = new(["Gemma2ForCausalLM", "Gemma2Model"],
            [
                "attention_bias", "query_pre_attn_scalar", "attn_logit_softcapping",
                "final_logit_softcapping",
            ], file => ReadGemma(file) with
        {
            NormPlacement = NormPlacement.Both,
            AttentionScale = 1 / Math.Sqrt(file.Number("query_pre_attn_scalar", 256)),
            AttentionSoftCap = NumberOrNull(file, "attn_logit_softcapping"),
            LogitSoftCap = NumberOrNull(file, "final_logit_softcapping"),
            Window = Window(file, layer => layer % 2 == 0),
        }, [.. GemmaActivations], TiesHead: true),
        [GgufNames.Gemma3] = new(["Gemma3ForCausalLM", "Gemma3TextModel"],
            [
                "attention_bias", "query_pre_attn_scalar", "attn_logit_softcapping",
                "final_logit_softcapping", "sliding_window_pattern", "_sliding_window_pattern", "rope_local_base_freq",
            ], ReadGemma3, [.. GemmaActivations, ("use_bidirectional_attention", [])], TiesHead: true),
        [GgufNames.Phi3] = new(["Phi3ForCausalLM", "Phi3Model"],
            ["attention_bias", "original_max_position_embeddings", "partial_rotary_factor"], ReadPhi3, Epsilon: 1e-5),
        [GgufNames.Granite] = new(["GraniteForCausalLM", "GraniteModel"],
            [
                "attention_bias", "mlp_bias", "embedding_multiplier", "attention_multiplier", "residual_multiplier",
                "logits_scaling",
            ], file => Of(file) with
        {
            AttentionBias = file.Boolean("attention_bias", false),
            FeedForwardBias = file.Boolean("mlp_bias", false),
            EmbeddingScale = file.Number("embedding_multiplier", 1),
            AttentionScale = file.Number("attention_multiplier", 1),
            ResidualScale = file.Number("residual_multiplier", 1),
            LogitScale = 1 / file.Number("logits_scaling", 1),
        }),
        [GgufNames.Olmo2] = new(["Olmo2ForCausalLM", "Olmo2Model"], ["attention_bias"], file => Of(file) with
        {
            AttentionBias = file.Boolean("attention_bias", false),
            NormPlacement = NormPlacement.After,
            QueryKeyNorm = QueryKeyNormName.Whole,
        }, Epsilon: 1e-5),
        [GgufNames.SmolLm3] = new(["SmolLM3ForCausalLM", "SmolLM3Model"],
            [
                "attention_bias", "mlp_bias", "no_rope_layers", "no_rope_layer_interval", "use_sliding_window",
                "max_window_layers",
            ], ReadSmolLm3, TiesHead: true),
        [GgufNames.GptNeoX] = new(["GPTNeoXForCausalLM", "GPTNeoXModel"],
            [
                "rotary_pct", "partial_rotary_factor", "rotary_emb_base", "layer_norm_eps", "use_parallel_residual",
                "attention_bias",
            ], ReadGptNeoX,
            [
                ("hidden_act", ["\"gelu\"", "\"gelu_new\"", "\"gelu_fast\"", "\"gelu_pytorch_tanh\""]),
                ("head_dim", []), ("num_key_value_heads", []), ("rms_norm_eps", []), ("sliding_window", []),
                ("layer_types", []),
            ]),
        [GgufNames.StarCoder2] = new(["Starcoder2ForCausalLM", "Starcoder2Model"], ["norm_epsilon", "use_bias"],
            ReadStarCoder2,
            [
                ("hidden_act", ["\"gelu_pytorch_tanh\"", "\"gelu\""]), ("norm_type", ["\"layer_norm\""]),
                ("mlp_type", ["\"default\""]), ("rms_norm_eps", []),
            ], TiesHead: true),
    };

    // Gemma was always trained with the approximation, also where its first files name the exact function.
    private static (string, string[])[] GemmaActivations =>
        [("hidden_act", ["\"gelu_pytorch_tanh\"", "\"gelu\""]), ("hidden_activation", ["\"gelu_pytorch_tanh\""])];

    /// <summary>The values of model_type.</summary>
    public static IReadOnlyList<string> ModelTypes { get; } = [.. Known.Keys];

    /// <summary>Reads a configuration.</summary>
    /// <exception cref="AtelierException">A key is missing, out of range, or has an unsupported value.</exception>
    public static DecoderConfig Read(ConfigFile file)
    {
        Variant variant = Known[file.ModelType];
        file.RefuseUnread(DecoderConfigKeys.Variant(variant.Keys, variant.Fixed ?? []));
        DecoderConfigFile.RequireClass(file, variant.Classes);
        return variant.Read(file);
    }

    /// <summary>Returns the class of Hugging Face's library for a model type of this file, or for Llama.</summary>
    public static string ClassOf(string modelType) =>
        Known.TryGetValue(modelType, out Variant? known) ? known.Classes[0] : "LlamaForCausalLM";

    /// <summary>Returns whether the head shares the weights of the embedding where config.json does not say.</summary>
    public static bool TiesHead(string modelType) => Known.TryGetValue(modelType, out Variant? known) && known.TiesHead;

    private static DecoderConfig Of(ConfigFile file, double theta = 10_000) =>
        DecoderConfigFile.LlamaShape(file, file.Integer("max_position_embeddings"), Known[file.ModelType].Epsilon,
            theta);

    private static DecoderConfig ReadQwen2(ConfigFile file) => Of(file) with
    {
        AttentionBias = true,
        AttentionOutputBias = false,
        Window = QwenWindow(file),
    };

    private static DecoderConfig ReadQwen3(ConfigFile file) => Of(file) with
    {
        HeadSize = file.Integer("head_dim", 128),
        AttentionBias = file.Boolean("attention_bias", false),
        QueryKeyNorm = QueryKeyNormName.Head,
        Window = QwenWindow(file),
    };

    private static SlidingWindow? QwenWindow(ConfigFile file)
    {
        int first = file.Integer("max_window_layers", file.Integer("num_hidden_layers"));
        return file.Boolean("use_sliding_window", false) ? Window(file, layer => layer >= first) : null;
    }

    private static ExpertConfig QwenExperts(ConfigFile file) => new(file.Integer("num_experts"),
        file.Integer("num_experts_per_tok"), file.Integer("moe_intermediate_size"),
        file.Boolean("norm_topk_prob", false), file.Integer("shared_expert_intermediate_size", 0));

    private static DecoderConfig ReadGemma(ConfigFile file) => Of(file) with
    {
        HeadSize = file.Integer("head_dim", 256),
        Activation = ActivationName.GeGlu,
        AttentionBias = file.Boolean("attention_bias", false),
        EmbeddingScale = (float)Math.Sqrt(file.Integer("hidden_size")),
    };

    private static DecoderConfig ReadGemma3(ConfigFile file)
    {
        int pattern = file.Integer("sliding_window_pattern", file.Integer("_sliding_window_pattern", 6));
        return ReadGemma(file) with
        {
            RopeTheta = DecoderConfigFile.ReadTheta(file, 1_000_000),
            NormPlacement = NormPlacement.Both,
            QueryKeyNorm = QueryKeyNormName.Head,
            AttentionScale = 1 / Math.Sqrt(file.Number("query_pre_attn_scalar", 256)),
            AttentionSoftCap = NumberOrNull(file, "attn_logit_softcapping"),
            LogitSoftCap = NumberOrNull(file, "final_logit_softcapping"),
            Window = Window(file, layer => (layer + 1) % Math.Max(1, pattern) != 0,
                file.Number("rope_local_base_freq", 10_000)),
        };
    }

    private static DecoderConfig ReadPhi3(ConfigFile file)
    {
        DecoderConfig config = Of(file) with
        {
            AttentionBias = file.Boolean("attention_bias", false),
            Window = Window(file),
        };
        double rotated = file.Number("partial_rotary_factor", 1) * config.HeadSize;
        config = config with { RotarySize = rotated is > 0 and < 1 << 24 ? (int)rotated : 0 };
        return LongRope.Apply(file, config);
    }

    private static DecoderConfig ReadSmolLm3(ConfigFile file)
    {
        DecoderConfig config = Of(file, theta: 2_000_000);
        int interval = file.Integer("no_rope_layer_interval", 4);
        IReadOnlyList<int>? rotates = file.Integers("no_rope_layers");
        return config with
        {
            AttentionBias = file.Boolean("attention_bias", false),
            FeedForwardBias = file.Boolean("mlp_bias", false),
            RotaryLayers = rotates is { Count: > 0 } ? [.. rotates.Select(value => value != 0)]
                : [.. Layers(config).Select(layer => (layer + 1) % Math.Max(1, interval) != 0)],
            Window = file.Boolean("use_sliding_window", false) ? Window(file, layer => rotates?[layer] != 0) : null,
        };
    }

    private static DecoderConfig ReadGptNeoX(ConfigFile file)
    {
        DecoderConfig config = Of(file, file.Number("rotary_emb_base", 10_000));
        double rotated = config.HeadSize * file.Number("rotary_pct", file.Number("partial_rotary_factor", 0.25));
        return config with
        {
            RotarySize = rotated is > 0 and < 1 << 24 ? (int)rotated : 0,
            Norm = NormName.Layer,
            NormEpsilon = file.Number("layer_norm_eps", 1e-5),
            Activation = file.String("hidden_act", "gelu") == "gelu" ? ActivationName.Gelu : ActivationName.GeluTanh,
            AttentionBias = file.Boolean("attention_bias", true),
            FeedForwardBias = true,
            IsParallel = file.Boolean("use_parallel_residual", true),
        };
    }

    private static DecoderConfig ReadStarCoder2(ConfigFile file)
    {
        bool bias = file.Boolean("use_bias", true);
        return Of(file) with
        {
            Norm = NormName.Layer,
            NormEpsilon = file.Number("norm_epsilon", 1e-5),
            Activation = file.String("hidden_act", "gelu_pytorch_tanh") == "gelu" ? ActivationName.Gelu
                : ActivationName.GeluTanh,
            AttentionBias = bias,
            FeedForwardBias = bias,
            Window = Window(file),
        };
    }

    /// <summary>Reads the sliding window.</summary>
    /// <param name="file">The config.json.</param>
    /// <param name="has">Whether a layer has it, where layer_types does not say; null for all layers.</param>
    /// <param name="theta">The base of the rotary angles of the layers with a window; null for that of all layers.
    /// </param>
    private static SlidingWindow? Window(ConfigFile file, Func<int, bool>? has = null, double? theta = null)
    {
        int layers = file.Integer("num_hidden_layers");
        IReadOnlyList<string>? types = file.Strings("layer_types");
        if (types?.FirstOrDefault(type => type is not (Full or Sliding)) is { } other)
            throw new AtelierException($"layer_types has '{other}', which is not supported", file.Path,
                $"supported are {Full} and {Sliding}");
        if (file.IntegerOrNull("sliding_window") is not int tokens
            || (tokens >= file.Integer("max_position_embeddings") && theta is null))
            return null; // it never leaves a token out
        bool[] windowed = types is null
            ? [.. Enumerable.Range(0, Math.Clamp(layers, 0, 1 << 16)).Select(layer => has?.Invoke(layer) ?? true)]
            : [.. types.Select(type => type == Sliding)];
        return Array.IndexOf(windowed, true) < 0 ? null
            : new SlidingWindow(tokens, Array.IndexOf(windowed, false) < 0 ? null : windowed, theta);
    }

    private static IEnumerable<int> Layers(DecoderConfig config) =>
        Enumerable.Range(0, Math.Clamp(config.LayerCount, 0, 1 << 16));

    private static double? NumberOrNull(ConfigFile file, string key) =>
        file.Number(key, double.NaN) is double number && !double.IsNaN(number) ? number : null;

    /// <summary>What is particular about a kind of model.</summary>
    /// <param name="Classes">The classes of Hugging Face's library.</param>
    /// <param name="Keys">The keys that it reads besides those of all.</param>
    /// <param name="Read">Reads the configuration.</param>
    /// <param name="Fixed">The keys that are supported with certain values only.</param>
    /// <param name="TiesHead">Whether the head shares the embedding where config.json does not say.</param>
    /// <param name="Epsilon">The epsilon of norms where config.json does not say.</param>
    private sealed record Variant(string[] Classes, string[] Keys, Func<ConfigFile, DecoderConfig> Read,
        (string Key, string[] Values)[]? Fixed = null, bool TiesHead = false, double Epsilon = 1e-6);
}
