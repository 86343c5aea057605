using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Atelier.Formats;

namespace Atelier.Runtime.Tests.Networks;

/// <summary>
/// Tiny models of every shape that varies Llama's, with drawn weights: folders as Hugging Face's library saves them.
/// </summary>
internal static class TinyShapes
{
    public const int Context = 64;

    private const int Hidden = 64, Inner = 96, Heads = 4, KeyHeads = 2;

    /// <summary>The config.json of each shape, as Hugging Face's classes write it.</summary>
    public static readonly IReadOnlyDictionary<string, string> Configs = new Dictionary<string, string>
    {
        ["llama"] = """ "model_type": "llama" """,
        ["mistral"] = """ "model_type": "mistral", "sliding_window": null, "head_dim": 32 """,
        ["mistral, window"] = """ "model_type": "mistral", "sliding_window": 7 """,
        ["mixtral"] = """ "model_type": "mixtral", "num_local_experts": 4, "num_experts_per_tok": 2 """,
        ["qwen2"] = """ "model_type": "qwen2", "use_sliding_window": false, "max_window_layers": 2 """,
        ["qwen2, window in the later layers"] = """
            "model_type": "qwen2", "use_sliding_window": true, "sliding_window": 7, "max_window_layers": 1
            """,
        ["qwen2, wide heads"] = """ "model_type": "qwen2", "head_dim": 32 """,
        ["qwen2, tied"] = """ "model_type": "qwen2", "tie_word_embeddings": true """,
        ["qwen2_moe"] = """
            "model_type": "qwen2_moe", "num_experts": 5, "num_experts_per_tok": 2, "moe_intermediate_size": 32,
            "shared_expert_intermediate_size": 64, "norm_topk_prob": false
            """,
        ["qwen3"] = """ "model_type": "qwen3", "head_dim": 32, "attention_bias": false """,
        ["qwen3_moe"] = """
            "model_type": "qwen3_moe", "head_dim": 32, "num_experts": 6, "num_experts_per_tok": 3,
            "moe_intermediate_size": 32, "norm_topk_prob": true
            """,
        ["qwen3_moe, not normalised"] = """
            "model_type": "qwen3_moe", "head_dim": 32, "num_experts": 6, "num_experts_per_tok": 3,
            "moe_intermediate_size": 32, "norm_topk_prob": false
            """,
        ["gemma"] = """
            "model_type": "gemma", "head_dim": 32, "hidden_act": "gelu_pytorch_tanh", "num_key_value_heads": 1
            """,
        ["gemma2"] = """
            "model_type": "gemma2", "head_dim": 32, "hidden_activation": "gelu_pytorch_tanh",
            "query_pre_attn_scalar": 32, "sliding_window": 7, "attn_logit_softcapping": 5.0,
            "final_logit_softcapping": 3.0
            """,
        ["gemma2, another scale"] = """
            "model_type": "gemma2", "head_dim": 32, "hidden_activation": "gelu_pytorch_tanh",
            "query_pre_attn_scalar": 20, "sliding_window": 7, "attn_logit_softcapping": null,
            "final_logit_softcapping": null
            """,
        ["gemma3_text"] = """
            "model_type": "gemma3_text", "head_dim": 32, "hidden_activation": "gelu_pytorch_tanh",
            "query_pre_attn_scalar": 32, "sliding_window": 7, "rope_theta": 1000000.0, "num_hidden_layers": 7,
            "rope_local_base_freq": 10000.0, "rope_scaling": {"rope_type": "linear", "factor": 8.0}
            """,
        ["phi3"] = """ "model_type": "phi3", "sliding_window": null """,
        ["phi3, long"] = """
            "model_type": "phi3", "partial_rotary_factor": 0.75, "max_position_embeddings": 2048,
            "original_max_position_embeddings": 512, "rope_scaling": {"type": "longrope",
            "short_factor": [1, 1.1, 1.2, 1.3, 1.4, 1.5], "long_factor": [1, 2, 3, 4, 5, 6]}
            """,
        ["granite"] = """
            "model_type": "granite", "embedding_multiplier": 12.0, "attention_multiplier": 0.1,
            "residual_multiplier": 0.22, "logits_scaling": 8.0, "attention_bias": false, "mlp_bias": false
            """,
        ["olmo2"] = """ "model_type": "olmo2", "attention_bias": false """,
        ["smollm3"] = """
            "model_type": "smollm3", "num_hidden_layers": 5, "no_rope_layer_interval": 4,
            "no_rope_layers": [1, 1, 1, 0, 1], "use_sliding_window": false
            """,
        ["smollm3, other layers"] = """
            "model_type": "smollm3", "no_rope_layers": [0, 1, 0], "use_sliding_window": false
            """,
        ["gpt_neox"] = """
            "model_type": "gpt_neox", "hidden_act": "gelu_new", "rotary_pct": 0.25, "rotary_emb_base": 10000,
            "layer_norm_eps": 1e-5, "use_parallel_residual": true
            """,
        ["gpt_neox, exact and one after the other"] = """
            "model_type": "gpt_neox", "hidden_act": "gelu", "rotary_pct": 0.5, "layer_norm_eps": 1e-5,
            "use_parallel_residual": false
            """,
        ["starcoder2"] = """
            "model_type": "starcoder2", "hidden_act": "gelu_pytorch_tanh", "norm_epsilon": 1e-5, "use_bias": true
            """,
        ["starcoder2, window"] = """
            "model_type": "starcoder2", "hidden_act": "gelu_pytorch_tanh", "norm_epsilon": 1e-5, "use_bias": true,
            "sliding_window": 7
            """,
        ["granite, biases"] = """
            "model_type": "granite", "attention_multiplier": 0.2, "attention_bias": true, "mlp_bias": true
            """,
        ["qwen3, biases"] = """ "model_type": "qwen3", "head_dim": 32, "attention_bias": true """,
        ["qwen3_moe, biases"] = """
            "model_type": "qwen3_moe", "head_dim": 32, "num_experts": 6, "num_experts_per_tok": 3,
            "moe_intermediate_size": 32, "norm_topk_prob": true, "attention_bias": true
            """,
        ["gemma, biases"] = """ "model_type": "gemma", "head_dim": 32, "attention_bias": true """,
        ["gemma2, biases"] = """
            "model_type": "gemma2", "hidden_activation": "gelu_pytorch_tanh", "head_dim": 32,
            "query_pre_attn_scalar": 32, "sliding_window": 7, "attn_logit_softcapping": 5.0,
            "final_logit_softcapping": 3.0, "attention_bias": true
            """,
        ["olmo2, biases"] = """ "model_type": "olmo2", "attention_bias": true """,
        ["phi3, biases"] = """ "model_type": "phi3", "attention_bias": true, "sliding_window": null """,
        ["smollm3, biases"] = """ "model_type": "smollm3", "attention_bias": true, "mlp_bias": true """,
        ["starcoder2, no biases"] = """ "model_type": "starcoder2", "norm_epsilon": 1e-5, "use_bias": false """,
        ["gpt_neox, no biases"] = """ "model_type": "gpt_neox", "hidden_act": "gelu_new", "attention_bias": false """,
    };

    /// <summary>Returns the config.json of a shape.</summary>
    public static JsonObject Config(string name, int vocabulary)
    {
        JsonObject own = JsonNode.Parse($"{{ {Configs[name]} }}")!.AsObject();
        var config = new JsonObject
        {
            ["vocab_size"] = vocabulary, ["hidden_size"] = Hidden, ["intermediate_size"] = Inner,
            ["num_hidden_layers"] = 3, ["num_attention_heads"] = Heads, ["max_position_embeddings"] = Context,
            ["tie_word_embeddings"] = false,
        };
        if ((string)own["model_type"]! != "gpt_neox")
            config["num_key_value_heads"] = KeyHeads;
        if ((string)own["model_type"]! is not ("gpt_neox" or "starcoder2"))
            config["rms_norm_eps"] = 1e-5;
        if (((string)own["model_type"]!).StartsWith("gemma", StringComparison.Ordinal))
            config["tie_word_embeddings"] = true;
        foreach ((string key, JsonNode? value) in own)
            config[key] = value?.DeepClone();
        return config;
    }

    /// <summary>Writes config.json and model.safetensors.</summary>
    public static void Write(string folder, JsonObject config, int seed = 1)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "config.json"), config.ToJsonString());
        var random = new Random(seed);
        var entries = new List<SafetensorsEntry>();
        var values = new Dictionary<string, float[]>();
        foreach ((string name, long[] shape, double spread, double mean) in Tensors(config))
        {
            long count = shape.Aggregate(1L, (product, size) => product * size);
            entries.Add(new SafetensorsEntry(name, SafetensorsType.F32, shape));
            values.Add(name, [.. Enumerable.Range(0, (int)count)
                .Select(_ => (float)(mean + (spread * ((random.NextDouble() * 2) - 1))))]);
        }
        SafetensorsWriter.Write(Path.Combine(folder, "model.safetensors"), entries,
            (entry, stream) => stream.Write(MemoryMarshal.AsBytes<float>(values[entry.Name])));
    }

    /// <summary>The tensors of a shape by Hugging Face's names: their sizes, half the range of the weights and their
    /// mean.</summary>
    private static IEnumerable<(string Name, long[] Shape, double Spread, double Mean)> Tensors(JsonObject config)
    {
        string type = (string)config["model_type"]!;
        int Number(string key, int otherwise = 0) => (int?)config[key] ?? otherwise;
        int hidden = Number("hidden_size"), inner = Number("intermediate_size"),
            layers = Number("num_hidden_layers"), vocabulary = Number("vocab_size"),
            size = Number("head_dim", hidden / Heads), keyHeads = Number("num_key_value_heads", Heads),
            queries = Heads * size, keys = keyHeads * size;
        bool isNeoX = type == "gpt_neox", isGemma = type.StartsWith("gemma", StringComparison.Ordinal),
            hasLayerNorm = isNeoX || type == "starcoder2",
            hasInputBias = type is "qwen2" or "qwen2_moe",
            attentionBias = type switch
            {
                "qwen2" or "qwen2_moe" => false, // those of queries, keys and values are added below
                "gpt_neox" => (bool?)config["attention_bias"] ?? true,
                "starcoder2" => (bool)config["use_bias"]!,
                _ => (bool?)config["attention_bias"] ?? false,
            },
            innerBias = type switch
            {
                "gpt_neox" => true,
                "starcoder2" => (bool)config["use_bias"]!,
                _ => (bool?)config["mlp_bias"] ?? false,
            };
        string model = isNeoX ? "gpt_neox." : "model.", layerList = model + "layers.";
        yield return Matrix(isNeoX ? model + "embed_in" : model + "embed_tokens", vocabulary, hidden);
        foreach (var tensor in Norm(isNeoX ? model + "final_layer_norm" : model + "norm"))
            yield return tensor;
        if (!(bool)config["tie_word_embeddings"]!)
            yield return Matrix(isNeoX ? "embed_out" : "lm_head", vocabulary, hidden);
        for (int layer = 0; layer < layers; layer++)
        {
            string at = $"{layerList}{layer}.";
            foreach (var tensor in Block(at))
                yield return tensor;
        }

        IEnumerable<(string, long[], double, double)> Block(string at)
        {
            string attention = isNeoX ? at + "attention." : at + "self_attn.";
            string[] norms = type switch
            {
                "olmo2" => ["post_attention_layernorm", "post_feedforward_layernorm"],
                "gemma2" or "gemma3_text" =>
                [
                    "input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm",
                    "post_feedforward_layernorm",
                ],
                _ => ["input_layernorm", "post_attention_layernorm"],
            };
            IEnumerable<(string, long[], double, double)> all = norms.SelectMany(norm => Norm(at + norm));
            all = isNeoX ? all.Concat(Linear(attention + "query_key_value", 3 * queries, hidden, attentionBias))
                : type == "phi3"
                ? all.Concat(Linear(attention + "qkv_proj", queries + (2 * keys), hidden, attentionBias))
                : all.Concat(Linear(attention + "q_proj", queries, hidden, attentionBias || hasInputBias))
                    .Concat(Linear(attention + "k_proj", keys, hidden, attentionBias || hasInputBias))
                    .Concat(Linear(attention + "v_proj", keys, hidden, attentionBias || hasInputBias));
            all = all.Concat(Linear(attention + (isNeoX ? "dense" : "o_proj"), hidden, queries, attentionBias));
            if (type is "qwen3" or "qwen3_moe" or "gemma3_text")
                all = all.Concat(Norm(attention + "q_norm", size)).Concat(Norm(attention + "k_norm", size));
            else if (type == "olmo2")
                all = all.Concat(Norm(attention + "q_norm", queries)).Concat(Norm(attention + "k_norm", keys));
            return all.Concat(type switch
            {
                "gpt_neox" => Linear(at + "mlp.dense_h_to_4h", inner, hidden, innerBias)
                    .Concat(Linear(at + "mlp.dense_4h_to_h", hidden, inner, innerBias)),
                "starcoder2" => Linear(at + "mlp.c_fc", inner, hidden, innerBias)
                    .Concat(Linear(at + "mlp.c_proj", hidden, inner, innerBias)),
                "phi3" => Linear(at + "mlp.gate_up_proj", 2 * inner, hidden, innerBias)
                    .Concat(Linear(at + "mlp.down_proj", hidden, inner, innerBias)),
                "mixtral" => Linear(at + "block_sparse_moe.gate", Number("num_local_experts"), hidden, bias: false)
                    .Concat(Enumerable.Range(0, Number("num_local_experts")).SelectMany(e =>
                        Gated($"{at}block_sparse_moe.experts.{e}.", inner, "w1", "w3", "w2"))),
                "qwen2_moe" or "qwen3_moe" => Experts(at),
                _ => Gated(at + "mlp.", inner),
            });
        }

        IEnumerable<(string, long[], double, double)> Experts(string at)
        {
            int experts = Number("num_experts"), expert = Number("moe_intermediate_size"),
                shared = Number("shared_expert_intermediate_size");
            IEnumerable<(string, long[], double, double)> all = Linear(at + "mlp.gate", experts, hidden, bias: false)
                .Concat(Enumerable.Range(0, experts).SelectMany(e => Gated($"{at}mlp.experts.{e}.", expert)));
            return shared == 0 ? all : all.Concat(Gated(at + "mlp.shared_expert.", shared))
                .Append(Matrix(at + "mlp.shared_expert_gate", 1, hidden));
        }

        IEnumerable<(string, long[], double, double)> Gated(string at, int inner, string gate = "gate_proj",
            string up = "up_proj", string down = "down_proj") =>
            Linear(at + gate, inner, hidden, innerBias).Concat(Linear(at + up, inner, hidden, innerBias))
                .Concat(Linear(at + down, hidden, inner, innerBias));

        IEnumerable<(string, long[], double, double)> Linear(string name, int rows, int columns, bool bias)
        {
            yield return Matrix(name, rows, columns);
            if (bias)
                yield return (name + ".bias", [rows], 0.2, 0);
        }

        IEnumerable<(string, long[], double, double)> Norm(string name, int? width = null)
        {
            yield return (name + ".weight", [width ?? hidden], 0.3, isGemma ? 0 : 1); // Gemma's classes add 1 to them
            if (hasLayerNorm)
                yield return (name + ".bias", [width ?? hidden], 0.2, 0);
        }

        // Wider shapes have smaller weights, so that their vectors do not grow from layer to layer.
        (string, long[], double, double) Matrix(string name, int rows, int columns) =>
            (name + ".weight", [rows, columns], 0.25 * Math.Sqrt((double)Hidden / hidden), 0);
    }
}
