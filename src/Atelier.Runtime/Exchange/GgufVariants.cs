using System.Text.Json.Nodes;
using Atelier.Formats;
using Atelier.Networks;

namespace Atelier.Exchange;

/// <summary>
/// What GGUF files say about the models that vary Llama's shape, beyond the sizes that all have: the keys of
/// config.json that follow from it, and the metadata that follows from a configuration.
/// </summary>
internal static class GgufVariants
{
    private const string Window = "attention.sliding_window", AttentionCap = "attn_logit_softcapping",
        LogitCap = "final_logit_softcapping", Experts = "expert_count", UsedExperts = "expert_used_count",
        ExpertSize = "expert_feed_forward_length", SharedSize = "expert_shared_feed_forward_length",
        Amplitude = "rope.scaling.attn_factor", Parallel = "use_parallel_residual", Epsilon =
            "attention.layer_norm_epsilon", RmsEpsilon = "attention.layer_norm_rms_epsilon";

    // llama.cpp scales Gemma's largest models by the width of all heads together instead of a head's own.
    private const int LargestGemma2 = 46, LargestGemma3 = 62;

    // llama.cpp reads their projections of queries only if all heads together are as wide as the residual stream.
    private static readonly string[] SquareAttention =
    [
        GgufNames.Phi3, GgufNames.StarCoder2, GgufNames.Olmo2, GgufNames.Qwen2, GgufNames.Qwen2Moe, GgufNames.GptNeoX,
    ];

    /// <summary>Returns the keys of metadata that a model type has besides those of Llama.</summary>
    public static string[] Keys(string modelType) => modelType switch
    {
        GgufNames.Mixtral => [Experts, UsedExperts],
        GgufNames.Qwen2Moe or GgufNames.Qwen3Moe => [Experts, UsedExperts, ExpertSize, SharedSize],
        GgufNames.Gemma2 => [Window, AttentionCap, LogitCap],
        GgufNames.Gemma3 => [Window, LogitCap],
        GgufNames.Phi3 => [Window, Amplitude],
        GgufNames.Granite => ["embedding_scale", "residual_scale", "attention.scale", "logit_scale"],
        GgufNames.GptNeoX => [Parallel, Epsilon],
        GgufNames.StarCoder2 => [Epsilon],
        _ => [],
    };

    /// <summary>Completes the config.json of a model type, whose sizes are already there.</summary>
    /// <exception cref="AtelierException">A value is missing or wrong.</exception>
    public static void Complete(JsonObject config, GgufFile file, string type)
    {
        string at = GgufNames.ArchitectureOf(type) + ".";
        int layers = (int)config["num_hidden_layers"]!, heads = (int)config["num_attention_heads"]!,
            width = (int)config["hidden_size"]!, head = (int)config["head_dim"]!;
        bool Has(string tensor) => file.Find($"blk.0.{tensor}") is not null;
        double Number(string key, double otherwise) => GgufConfig.Single(file.Number(at + key, otherwise));
        JsonNode? Cap(string key) => file.Number(at + key, 0) is > 0 and double cap ? GgufConfig.Single(cap) : null;
        switch (type)
        {
            case GgufNames.Mixtral:
                config["num_local_experts"] = file.Integer(at + Experts);
                config["num_experts_per_tok"] = file.Integer(at + UsedExperts);
                break;
            case GgufNames.Qwen2Moe or GgufNames.Qwen3Moe:
                config["num_experts"] = file.Integer(at + Experts);
                config["num_experts_per_tok"] = file.Integer(at + UsedExperts);
                config["moe_intermediate_size"] = file.Integer(at + ExpertSize);
                config["norm_topk_prob"] = type == GgufNames.Qwen3Moe;
                if (type == GgufNames.Qwen2Moe)
                    config["shared_expert_intermediate_size"] = file.Integer(at + SharedSize);
                else
                    config["attention_bias"] = Has("attn_q.bias");
                break;
            case GgufNames.Qwen3 or GgufNames.Olmo2:
                config["attention_bias"] = Has("attn_q.bias");
                break;
            case GgufNames.Gemma or GgufNames.Gemma2 or GgufNames.Gemma3:
                config["hidden_act"] = "gelu_pytorch_tanh";
                config["attention_bias"] = Has("attn_q.bias");
                if (type == GgufNames.Gemma)
                    break;
                bool isLargest = layers == (type == GgufNames.Gemma2 ? LargestGemma2 : LargestGemma3);
                config["query_pre_attn_scalar"] = isLargest ? width / heads : head;
                config["attn_logit_softcapping"] = type == GgufNames.Gemma2 ? Number(AttentionCap, 50) : null;
                config["final_logit_softcapping"] = type == GgufNames.Gemma2 ? Number(LogitCap, 30) : Cap(LogitCap);
                config["sliding_window"] = file.Integer(at + Window, type == GgufNames.Gemma2 ? 4096 : null);
                break;
            case GgufNames.Phi3:
                CompletePhi3(config, file, at, head);
                break;
            case GgufNames.Granite:
                config["attention_bias"] = Has("attn_q.bias");
                config["mlp_bias"] = Has("ffn_up.bias");
                config["embedding_multiplier"] = Number("embedding_scale", 1);
                config["residual_multiplier"] = Number("residual_scale", 1);
                config["attention_multiplier"] = Number("attention.scale", 0) is > 0 and double scale ? scale
                    : 1 / Math.Sqrt(head);
                config["logits_scaling"] = Number("logit_scale", 1);
                break;
            case GgufNames.SmolLm3:
                config["attention_bias"] = Has("attn_q.bias");
                config["mlp_bias"] = Has("ffn_up.bias");
                break;
            case GgufNames.GptNeoX:
                config["hidden_act"] = file.Boolean(GgufConfig.ExactGelu, false) ? "gelu" : "gelu_new";
                config["layer_norm_eps"] = Number(Epsilon, 1e-5);
                config["rotary_pct"] = (double)(int)file.Integer(at + "rope.dimension_count", head) / head;
                config["use_parallel_residual"] = file.Boolean(at + Parallel, true);
                config["attention_bias"] = Has("attn_qkv.bias");
                config.Remove("head_dim"); // all heads together are as wide as the residual stream,
                config.Remove("num_key_value_heads"); // and each has its keys
                break;
            case GgufNames.StarCoder2:
                config["hidden_act"] = file.Boolean(GgufConfig.ExactGelu, false) ? "gelu" : "gelu_pytorch_tanh";
                config["norm_epsilon"] = Number(Epsilon, 1e-5);
                config["use_bias"] = Has("attn_q.bias");
                break;
            default:
                break;
        }
    }

    /// <summary>Adds what a configuration says beyond sizes and rotary positions.</summary>
    /// <exception cref="AtelierException">llama.cpp cannot express the configuration.</exception>
    public static void Write(GgufMetadata metadata, ConfigFile file, DecoderConfig config)
    {
        string at = metadata.Architecture + ".", type = file.ModelType;
        RefuseInexpressible(file, config);
        metadata.Add(at + (config.Norm == NormName.Rms ? RmsEpsilon : Epsilon), config.NormEpsilon);
        if (config.Norm == NormName.Layer && config.Activation == ActivationName.Gelu)
            metadata.Add(GgufConfig.ExactGelu, true);
        if (config.Experts is { } experts)
        {
            metadata.Add(at + Experts, experts.Count);
            metadata.Add(at + UsedExperts, experts.PerToken);
            if (type != GgufNames.Mixtral)
                metadata.Add(at + ExpertSize, experts.Size);
            if (experts.SharedSize > 0)
                metadata.Add(at + SharedSize, experts.SharedSize);
        }
        if (type is GgufNames.Gemma2 or GgufNames.Gemma3 or GgufNames.Phi3 && config.Window is { } window)
            metadata.Add(at + Window, window.Tokens);
        if (type == GgufNames.Gemma2)
            metadata.Add(at + AttentionCap, config.AttentionSoftCap ?? 0);
        if (config.LogitSoftCap is { } cap)
            metadata.Add(at + LogitCap, cap);
        if (type == GgufNames.Granite)
        {
            metadata.Add(at + "embedding_scale", config.EmbeddingScale);
            metadata.Add(at + "residual_scale", config.ResidualScale);
            metadata.Add(at + "attention.scale", config.AttentionScale ?? 1 / Math.Sqrt(config.HeadSize));
            metadata.Add(at + "logit_scale", 1 / config.LogitScale);
        }
        if (type == GgufNames.GptNeoX)
            metadata.Add(at + Parallel, config.IsParallel);
        if (config.RopeAmplitude != 1)
            metadata.Add(at + Amplitude, config.RopeAmplitude);
    }

    /// <summary>Refuses what llama.cpp has no place for, since it would compute something else.</summary>
    private static void RefuseInexpressible(ConfigFile file, DecoderConfig config)
    {
        string type = file.ModelType;
        int pattern = type switch { GgufNames.Gemma2 => 2, GgufNames.Gemma3 => 6, _ => 0 };
        bool hasPattern = config.Window is { } window && pattern > 0
            && Enumerable.Range(0, config.LayerCount).All(layer => window.Has(layer) == ((layer + 1) % pattern != 0));
        if (pattern > 0 ? !hasPattern : config.Window is not null && type != GgufNames.Phi3)
            throw Wrong("this sliding window");
        if (pattern > 0 && config.Window!.RopeTheta is not (null or 10_000))
            throw Wrong("this rope_local_base_freq");
        int largest = type == GgufNames.Gemma2 ? LargestGemma2 : LargestGemma3;
        double scaled = config.LayerCount == largest ? config.HiddenSize / config.HeadCount : config.HeadSize;
        if (pattern > 0 && Math.Abs((config.AttentionScale!.Value * Math.Sqrt(scaled)) - 1) > 1e-6)
            throw Wrong("this query_pre_attn_scalar");
        if (config.AttentionSoftCap is not null != (type == GgufNames.Gemma2)
            || (type == GgufNames.Gemma2 && config.LogitSoftCap is null))
            throw Wrong("these soft caps");
        if (type == GgufNames.SmolLm3
            && config.RotaryLayers!.Where((rotates, layer) => rotates != ((layer + 1) % 4 != 0)).Any())
            throw Wrong("this no_rope_layers");
        bool hasBiases = type is GgufNames.GptNeoX or GgufNames.StarCoder2,
            hasInputBiases = hasBiases || type is GgufNames.Qwen2 or GgufNames.Qwen2Moe;
        if (type is not (GgufNames.Llama or GgufNames.Granite)
            && (config.AttentionBias != hasInputBiases || config.FeedForwardBias != hasBiases))
            throw Wrong("other biases than usual");
        if (SquareAttention.Contains(type) && config.QuerySize != config.HiddenSize)
            throw Wrong("this head_dim");
        if (config.Experts is { } experts && experts.IsNormalised != (type != GgufNames.Qwen2Moe))
            throw Wrong("this norm_topk_prob");

        AtelierException Wrong(string what) => new($"llama.cpp has no place for {what} of a model of type '{type}'",
            file.Path, "export to huggingface");
    }

    private static void CompletePhi3(JsonObject config, GgufFile file, string at, int head)
    {
        config["attention_bias"] = file.Find("blk.0.attn_qkv.bias") is not null;
        config["partial_rotary_factor"] = (double)(int)file.Integer(at + "rope.dimension_count", head) / head;
        if (file.Integer(at + Window, 0) is > 0 and long window)
            config["sliding_window"] = window;
        if (file.Find(GgufNames.ShortFactors) is not { } @short || file.Find(GgufNames.LongFactors) is not { } @long)
            return;
        config["original_max_position_embeddings"] = file.Integer(at + "rope.scaling.original_context_length");
        config["rope_scaling"] = new JsonObject
        {
            ["rope_type"] = "longrope",
            ["short_factor"] = Factors(@short),
            ["long_factor"] = Factors(@long),
            ["attention_factor"] = GgufConfig.Single(file.Number(at + Amplitude, 1)),
        };

        JsonArray Factors(GgufTensor tensor) =>
            [.. ModelWeights.ReadFactors(file, tensor).Select(f => (JsonNode)GgufConfig.Single(f))];
    }
}
