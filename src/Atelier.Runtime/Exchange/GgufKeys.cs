using Atelier.Formats;

namespace Atelier.Exchange;

/// <summary>
/// The known keys of GGUF metadata: those that are read, and those that do not change the generated text.
/// </summary>
internal static class GgufKeys
{
    // Names, authors, licences and origins of the model and its weights.
    private static readonly string[] Named =
    [
        "name", "author", "version", "organization", "finetune", "basename", "description", "size_label", "url", "doi",
        "uuid", "repo_url", "license", "tags", "languages", "datasets", "quantized_by", "quantization_version",
        "file_type",
    ];

    private static readonly string[] NamedGroups =
    [
        "general.license.", "general.source.", "general.base_model.", "general.dataset.", "general.url.", "quantize.",
        "tokenizer.chat_template.",
    ];

    private static readonly string[] Read =
    [
        "general.architecture", "general.alignment", "tokenizer.chat_template", "tokenizer.ggml.model",
        "tokenizer.ggml.pre", "tokenizer.ggml.tokens", "tokenizer.ggml.token_type", "tokenizer.ggml.scores",
        "tokenizer.ggml.merges", "tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id",
        "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id", "tokenizer.ggml.add_space_prefix",
        "tokenizer.ggml.add_bos_token",
    ];

    // Tokens for infilling, padding and other kinds of models; chat templates for other uses; the same tokenizer in
    // another format.
    private static readonly string[] Harmless =
    [
        .. Named.Select(name => "general." + name), "tokenizer.chat_templates", "tokenizer.huggingface.json",
        "tokenizer.ggml.unknown_token_id", "tokenizer.ggml.padding_token_id", "tokenizer.ggml.separator_token_id",
        "tokenizer.ggml.seperator_token_id", "tokenizer.ggml.cls_token_id", "tokenizer.ggml.mask_token_id",
        "tokenizer.ggml.prefix_token_id", "tokenizer.ggml.suffix_token_id", "tokenizer.ggml.middle_token_id",
        "tokenizer.ggml.fim_pre_token_id", "tokenizer.ggml.fim_suf_token_id", "tokenizer.ggml.fim_mid_token_id",
        "tokenizer.ggml.fim_pad_token_id", "tokenizer.ggml.fim_rep_token_id", "tokenizer.ggml.fim_sep_token_id",
    ];

    private static readonly (string Key, string[] Values)[] Fixed =
    [
        ("general.type", ["\"model\""]), ("split.count", ["0", "1"]), ("split.no", ["0"]), ("split.tensors.count", []),
        ("tokenizer.ggml.add_eos_token", ["false"]), ("tokenizer.ggml.token_type_count", ["0", "1"]),
    ];

    private static readonly string[] Shape =
    [
        "vocab_size", "context_length", "embedding_length", "block_count", "feed_forward_length",
        "attention.head_count", "attention.head_count_kv",
    ];

    private static readonly string[] Rotary =
    [
        "attention.key_length", "attention.value_length", "attention.layer_norm_rms_epsilon", "rope.dimension_count",
        "rope.freq_base", "rope.scale_linear", "rope.scaling.type", "rope.scaling.factor",
        "rope.scaling.original_context_length",
    ];

    // Features of other models with the same tensors, with the values that disable them.
    private static readonly (string Key, string[] Values)[] Without =
    [
        ("expert_count", ["0"]), ("expert_used_count", ["0"]), ("attention.sliding_window", ["0"]),
        ("attn_logit_softcapping", ["0"]), ("final_logit_softcapping", ["0"]), ("logit_scale", ["0", "1"]),
        ("embedding_scale", ["0", "1"]), ("residual_scale", ["0", "1"]), ("attention.scale", ["0"]),
        ("attention.clamp_kqv", ["0"]), ("attention.max_alibi_bias", ["0"]), ("attention.causal", ["true"]),
        ("tensor_data_layout", ["\"Meta AI original pth\""]), ("rope.scaling.attn_factor", ["1"]),
        ("rope.scaling.yarn_beta_fast", ["32"]), ("rope.scaling.yarn_beta_slow", ["1"]),
        ("rope.scaling.yarn_ext_factor", ["1"]), ("rope.scaling.yarn_attn_factor", ["1"]),
    ];

    /// <summary>Refuses unsupported keys that have an effect.</summary>
    /// <exception cref="AtelierException">The file has such a key.</exception>
    public static void RefuseUnread(GgufFile file, string modelType)
    {
        string architecture = file.Text("general.architecture");
        IEnumerable<string> Of(IEnumerable<string> keys) => keys.Select(key => $"{architecture}.{key}");
        var known = new KnownKeys(
            [
                .. Read, .. Of(Shape),
                .. modelType == GgufNames.Gpt2 ? Of(["attention.layer_norm_epsilon"]) : Of(Rotary),
                .. Of(GgufVariants.Keys(modelType)),
                GgufConfig.ExactGelu, .. GgufConfig.ScalingKeys,
            ],
            [.. Harmless, .. Of(["rope.scaling.finetuned"])],
            [.. Fixed, .. Without.Select(w => ($"{architecture}.{w.Key}", w.Values))]);
        IEnumerable<string> keys =
            file.Keys.Where(key => !NamedGroups.Any(group => key.StartsWith(group, StringComparison.Ordinal)));
        known.Check(keys.Select(key => (key, file.Json(key))), file.Path);
    }
}
