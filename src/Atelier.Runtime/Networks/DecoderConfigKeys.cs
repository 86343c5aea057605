using Atelier.Formats;

namespace Atelier.Networks;

/// <summary>
/// The known keys of a decoder's config.json: those that are read, and those that do not change the generated text.
/// </summary>
internal static class DecoderConfigKeys
{
    // Keys that the transformers library writes for any model: names, versions, data types, training, pipelines of
    // other tasks.
    public static readonly string[] Harmless =
    [
        "architectures", "model_type", "vocab_size", "transformers_version", "torch_dtype", "dtype", "_name_or_path",
        "name_or_path", "_commit_hash", "_attn_implementation", "attn_implementation", "_attn_implementation_autoset",
        "use_cache", "initializer_range", "initializer_factor", "output_attentions", "output_hidden_states",
        "return_dict", "use_return_dict", "torchscript", "use_bfloat16", "gradient_checkpointing",
        "chunk_size_feed_forward", "problem_type", "finetuning_task", "id2label", "label2id", "num_labels",
        "task_specific_params", "tokenizer_class", "is_decoder", "pad_token_id", "sep_token_id", "cls_token_id",
        "bos_token_id", "eos_token_id", // TextBundleFiles reads these two
        "unsloth_version", "unsloth_fixed", "max_length", "do_sample", "num_return_sequences", "remove_invalid_values",
        "output_scores", "return_dict_in_generate",
    ];

    // Generation settings that older files have in config.json, with the values that have no effect.
    public static readonly (string Key, string[] Values)[] Generation =
    [
        ("min_length", ["0"]), ("num_beams", ["1"]), ("num_beam_groups", ["1"]), ("diversity_penalty", ["0"]),
        ("temperature", ["1"]), ("top_k", ["50", "0"]), ("top_p", ["1"]), ("typical_p", ["1"]),
        ("repetition_penalty", ["1"]), ("length_penalty", ["1"]), ("no_repeat_ngram_size", ["0"]),
        ("encoder_no_repeat_ngram_size", ["0"]), ("is_encoder_decoder", ["false"]), ("add_cross_attention", ["false"]),
    ];

    // Switches that must be on: turned off, they make another model.
    private static readonly (string Key, string[] Values)[] AlwaysOn =
        [("is_causal", ["true"]), ("causal", ["true"]), ("use_causal_mask", ["true"])];

    public static readonly KnownKeys Gpt2 = new(
        ["n_positions", "n_ctx", "n_embd", "n_layer", "n_head", "n_inner", "layer_norm_epsilon", "tie_word_embeddings",
            "bias"],
        // reorder_and_upcast_attn has no effect because all computation is in single precision.
        [
            .. Harmless, "attn_pdrop", "embd_pdrop", "resid_pdrop", "reorder_and_upcast_attn", "summary_type",
            "summary_use_proj", "summary_activation", "summary_proj_to_labels", "summary_first_dropout",
            "predict_special_tokens", "output_past",
        ],
        [
            .. Generation, .. AlwaysOn, ("activation_function", ["\"gelu_new\"", "\"gelu\"", "\"gelu_pytorch_tanh\""]),
            ("scale_attn_weights", ["true"]), ("scale_attn_by_inverse_layer_idx", ["false"]), ("n_special", ["0"]),
        ]);

    public static readonly KnownKeys Llama = new(
        [
            "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
            "head_dim", "max_position_embeddings", "rms_norm_eps", "rope_theta", "rope_scaling", "rope_parameters",
            "tie_word_embeddings", "attention_bias", "mlp_bias", "sliding_window", "layer_types",
        ],
        // pretraining_tp splits products into parts with the same sum. RequireFullAttention checks windows.
        [.. Harmless, "attention_dropout", "hidden_dropout", "mlp_dropout", "pretraining_tp", "max_sequence_length",
            "max_window_layers"],
        [
            .. Generation, .. AlwaysOn, ("use_rope", ["true"]), ("use_rotary_embeddings", ["true"]),
            ("hidden_act", ["\"silu\""]), ("partial_rotary_factor", ["1"]), ("use_sliding_window", ["false"]),
        ]);

    /// <summary>Returns the keys of a model that varies Llama's shape.</summary>
    /// <param name="read">The keys that it reads besides those of all.</param>
    /// <param name="only">The keys that it supports with certain values only.</param>
    public static KnownKeys Variant(string[] read, (string Key, string[] Values)[] only)
    {
        (string Key, string[] Values)[] usual =
        [
            .. Generation, .. AlwaysOn, ("hidden_act", ["\"silu\""]), ("partial_rotary_factor", ["1"]),
            ("use_sliding_window", ["false"]),
        ];
        string[] all =
        [
            "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
            "head_dim", "max_position_embeddings", "rms_norm_eps", "rope_theta", "rope_scaling", "rope_parameters",
            "tie_word_embeddings", "sliding_window", "layer_types",
        ];
        return new KnownKeys(
            [.. all.Except(only.Select(one => one.Key)), .. read],
            // Settings of training; "cache_implementation" names a data structure of the transformers library.
            [
                .. Harmless, "attention_dropout", "hidden_dropout", "residual_dropout", "embedding_dropout",
                "resid_pdrop", "embd_pdrop", "mlp_dropout", "pretraining_tp", "max_window_layers", "classifier_dropout",
                "router_aux_loss_coef", "output_router_logits", "router_jitter_noise", "cache_implementation",
            ],
            [.. only, .. usual.ExceptBy(only.Select(one => one.Key), one => one.Key)]);
    }

    public static readonly KnownKeys Own = new(
        [
            "hidden_size", "head_count", "context_length", "layer_count", "key_value_head_count", "head_size",
            "feed_forward_size", "positions", "norm", "norm_epsilon", "activation", "rope_theta", "bias", "tie_head",
        ],
        [.. Harmless, "layout", "dropout"]);

    public static readonly KnownKeys Recurrent = new(
        ["cell", "embedding_size", "hidden_size", "layer_count", "tie_head"],
        [.. Harmless, "context_length", "dropout"]);

    /// <summary>Returns the keys of rope_scaling or rope_parameters for a type of scaling.</summary>
    public static KnownKeys Scaling(string type) => new(
        ["rope_type", "type", "rope_theta", .. type switch
        {
            "linear" => ["factor"],
            // This scaling applies to texts longer than max_position_embeddings, which Atelier does not generate.
            "dynamic" => ["factor", "original_max_position_embeddings"],
            "llama3" => ["factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"],
            "yarn" => ["factor", "original_max_position_embeddings", "beta_fast", "beta_slow", "attention_factor"],
            _ => (string[])[],
        }],
        ["finetuned"], ("partial_rotary_factor", ["1"]), ("truncate", ["true"]));
}
