using System.Text.Json;
using Atelier.Formats;

namespace Atelier.Networks;

/// <summary>
/// Reads the configuration of an encoder-decoder from a config.json: Hugging Face's MarianConfig, BartConfig and
/// T5Config, and Atelier's own Transformers.
/// </summary>
public static class EncoderDecoderConfigFile
{
    /// <summary>The values of model_type; the last is for Transformers that Hugging Face lacks.</summary>
    public const string Marian = "marian", Bart = "bart", T5 = "t5", Own = "atelier_transformer";

    /// <summary>The key of the text before every source, as in Hugging Face's files.</summary>
    public const string Prefix = "prefix";

    private static readonly string[] Tokens =
    [
        "vocab_size", "pad_token_id", "eos_token_id", "decoder_start_token_id", "source_eos_token_id",
        "source_pad_token_id", Prefix, "num_beams", "max_length", "length_penalty",
    ];

    private static readonly (string Key, string[] Values)[] Generation =
    [
        ("is_encoder_decoder", ["true"]), ("early_stopping", ["false", "true"]), ("no_repeat_ngram_size", ["0"]),
        ("min_length", ["0"]), ("forced_bos_token_id", []),
    ];

    // Names, versions, settings of training and of the classification head, and options by task.
    private static readonly string[] Harmless =
    [
        "model_type", "architectures", "transformers_version", "torch_dtype", "dtype", "_name_or_path", "name_or_path",
        "_attn_implementation_autoset", "use_cache", "gradient_checkpointing", "classifier_dropout", "id2label",
        "label2id", "num_labels", "initializer_range", "task_specific_params", "tokenizer_class", "output_past",
    ];

    private static readonly KnownKeys Transformers = new(
        [
            .. Tokens, "decoder_vocab_size", "d_model", "encoder_layers", "decoder_layers", "encoder_ffn_dim",
            "decoder_ffn_dim", "encoder_attention_heads", "decoder_attention_heads", "max_position_embeddings",
            "activation_function", "scale_embedding", "share_encoder_decoder_embeddings", "tie_word_embeddings",
            "num_hidden_layers", // the same number as encoder_layers, which is read
            "bad_words_ids",
        ],
        // The end token that published code forces at the greatest length is forced nowhere here.
        [
            .. Harmless, "dropout", "attention_dropout", "activation_dropout", "classif_dropout", "encoder_layerdrop",
            "decoder_layerdrop", "init_std", "bos_token_id", "forced_eos_token_id",
        ],
        [
            .. Generation, ("normalize_before", ["false"]), ("add_final_layer_norm", ["false"]),
            ("add_bias_logits", ["false"]), ("static_position_embeddings", ["true", "false"]),
            ("normalize_embedding", ["true", "false"]), ("extra_pos_embeddings", ["2", "0"]),
        ]);

    private static readonly KnownKeys OwnKeys = new(
        [
            .. Tokens, "source_vocab_size", "layout", "encoder_layer_count", "decoder_layer_count", "head_count",
            "hidden_size", "feed_forward_size", "context_length", "norm_first", "activation", "positions",
            "embedding_norm", "scale_embedding", "tie_head",
        ],
        ["model_type", "dropout", "attention_dropout", "activation_dropout"]);

    private static readonly KnownKeys T5Keys = new(
        [
            .. Tokens, "d_model", "d_kv", "d_ff", "num_layers", "num_decoder_layers", "num_heads",
            "relative_attention_num_buckets", "relative_attention_max_distance", "layer_norm_epsilon",
            "feed_forward_proj", "dense_act_fn", "is_gated_act", "tie_word_embeddings", "scale_decoder_outputs",
            "n_positions", "dropout_rate",
        ],
        [.. Harmless, "initializer_factor", "output_attentions", "output_hidden_states"],
        [.. Generation, ("is_decoder", ["false"]), ("bad_words_ids", [])]);

    private static readonly (string Name, ActivationName Value)[] Activations =
    [
        ("relu", ActivationName.Relu), ("gelu", ActivationName.Gelu), ("gelu_new", ActivationName.GeluTanh),
        ("gelu_pytorch_tanh", ActivationName.GeluTanh), ("swish", ActivationName.Silu), ("silu", ActivationName.Silu),
    ];

    // the activation by the names of the feed-forward layer, and of its activation alone
    private static readonly (string Name, string Plain, ActivationName Value)[] T5Activations =
    [
        ("relu", "relu", ActivationName.Relu), ("gated-gelu", "gelu_new", ActivationName.GeGlu),
        ("gated-silu", "silu", ActivationName.SwiGlu), ("gelu", "gelu", ActivationName.Gelu),
        ("gelu_new", "gelu_new", ActivationName.GeluTanh), ("silu", "silu", ActivationName.Silu),
    ];

    /// <summary>The supported values of model_type.</summary>
    public static IReadOnlyList<string> ModelTypes { get; } = [Marian, Bart, T5, Own];

    /// <summary>Returns the name of a Transformer's activation in config.json.</summary>
    public static string NameOf(ActivationName activation) => Activations.First(a => a.Value == activation).Name;

    /// <summary>Returns the names of T5's activation in config.json: of the feed-forward layer, and alone.</summary>
    public static (string Name, string Plain) T5NameOf(ActivationName activation)
    {
        (string name, string plain, _) = T5Activations.First(a => a.Value == activation);
        return (name, plain);
    }

    /// <summary>Reads the configuration; <see cref="EncoderDecoderConfig.Check"/> checks its values.</summary>
    /// <exception cref="AtelierException">A key is missing, or has an unsupported value.</exception>
    public static EncoderDecoderConfig Read(ConfigFile file) => file.ModelType switch
    {
        Marian or Bart => ReadTransformer(file),
        Own => ReadOwn(file),
        T5 => ReadT5(file),
        string other => throw new AtelierException($"encoder-decoders of type '{other}' are not supported", file.Path,
            $"supported are {string.Join(", ", ModelTypes)}"),
    };

    private static EncoderDecoderConfig ReadTransformer(ConfigFile file)
    {
        file.RefuseUnread(Transformers);
        bool isMarian = file.ModelType == Marian;
        DecoderConfigFile.RequireClass(file, isMarian ? ["MarianMTModel", "MarianModel"]
            : ["BartForConditionalGeneration", "BartModel"]);
        // Marian's published files forbid padding, which no tokenizer produces.
        if (file.Root.TryGetProperty("bad_words_ids", out JsonElement bans) && bans.ValueKind != JsonValueKind.Null
            && bans.GetRawText().Trim('[', ']', ' ', '\n') != $"{file.Integer("pad_token_id")}")
            throw new AtelierException("bad_words_ids forbids other tokens than padding, which is not supported",
                file.Path, "use a model without it");
        int sources = file.VocabularySize, hidden = file.Integer("d_model", 1024),
            heads = Same(file, "encoder_attention_heads", "decoder_attention_heads", 16);
        return new EncoderDecoderConfig
        {
            SourceVocabularySize = sources,
            VocabularySize = isMarian ? file.Integer("decoder_vocab_size", sources) : sources,
            SharesEmbedding = !isMarian || file.Boolean("share_encoder_decoder_embeddings", true),
            ContextLength = file.Integer("max_position_embeddings", 1024),
            EncoderLayerCount = file.Integer("encoder_layers", 12),
            DecoderLayerCount = file.Integer("decoder_layers", 12),
            HiddenSize = hidden,
            HeadCount = heads,
            FeedForwardSize = Same(file, "encoder_ffn_dim", "decoder_ffn_dim", 4096),
            Activation = DecoderConfigFile.Choice(file, "activation_function", "gelu", Activations),
            Positions = isMarian ? PositionName.Sinusoidal : PositionName.Learned,
            PositionOffset = isMarian ? 0 : 2,
            EmbeddingNorm = !isMarian,
            ScaleEmbedding = file.Boolean("scale_embedding", false),
            TieHead = file.Boolean("tie_word_embeddings", true),
            HeadSize = DecoderConfigFile.Divided(file, hidden, heads),
        };
    }

    private static EncoderDecoderConfig ReadOwn(ConfigFile file)
    {
        file.RefuseUnread(OwnKeys);
        bool isBart = DecoderConfigFile.Choice(file, "layout", "marian", [("marian", false), ("bart", true)]);
        int targets = file.VocabularySize, hidden = file.Integer("hidden_size"), heads = file.Integer("head_count");
        int? sources = file.IntegerOrNull("source_vocab_size");
        PositionName positions = DecoderConfigFile.Choice(file, "positions", isBart ? "learned" : "sinusoidal",
            [("learned", PositionName.Learned), ("sinusoidal", PositionName.Sinusoidal)]);
        return new EncoderDecoderConfig
        {
            SourceVocabularySize = sources ?? targets,
            VocabularySize = targets,
            SharesEmbedding = sources is null,
            ContextLength = file.Integer("context_length"),
            EncoderLayerCount = file.Integer("encoder_layer_count"),
            DecoderLayerCount = file.Integer("decoder_layer_count"),
            HiddenSize = hidden,
            HeadCount = heads,
            HeadSize = DecoderConfigFile.Divided(file, hidden, heads),
            FeedForwardSize = file.IntegerOrNull("feed_forward_size") ?? checked(4 * hidden),
            NormFirst = file.Boolean("norm_first", false),
            Activation = DecoderConfigFile.Choice(file, "activation", isBart ? "gelu" : "relu",
                [("relu", ActivationName.Relu), ("gelu", ActivationName.Gelu), ("gelu_tanh", ActivationName.GeluTanh),
                    ("silu", ActivationName.Silu)]),
            Positions = positions,
            PositionOffset = isBart && positions == PositionName.Learned ? 2 : 0,
            EmbeddingNorm = file.Boolean("embedding_norm", isBart),
            ScaleEmbedding = file.Boolean("scale_embedding", !isBart),
            TieHead = file.Boolean("tie_head", true),
        };
    }

    private static EncoderDecoderConfig ReadT5(ConfigFile file)
    {
        file.RefuseUnread(T5Keys);
        DecoderConfigFile.RequireClass(file, "T5ForConditionalGeneration", "T5WithLMHeadModel");
        int layers = file.Integer("num_layers", 6);
        bool tied = file.Boolean("tie_word_embeddings", true);
        return new EncoderDecoderConfig
        {
            SourceVocabularySize = file.VocabularySize,
            VocabularySize = file.VocabularySize,
            ContextLength = file.Integer("n_positions", 512),
            EncoderLayerCount = layers,
            DecoderLayerCount = file.Integer("num_decoder_layers", layers),
            HiddenSize = file.Integer("d_model", 512),
            HeadCount = file.Integer("num_heads", 8),
            HeadSize = file.Integer("d_kv", 64),
            FeedForwardSize = file.Integer("d_ff", 2048),
            Activation = T5Activation(file),
            Norm = NormName.Rms,
            NormEpsilon = file.Number("layer_norm_epsilon", 1e-6),
            NormFirst = true,
            HasBias = false,
            Relative = new RelativePositions(file.Integer("relative_attention_num_buckets", 32),
                file.Integer("relative_attention_max_distance", 128)),
            ScaleScores = false,
            ScaleOutput = file.Boolean("scale_decoder_outputs", tied),
            TieHead = tied,
        };
    }

    private static int Same(ConfigFile file, string first, string second, int otherwise)
    {
        (int a, int b) = (file.Integer(first, otherwise), file.Integer(second, otherwise));
        return a == b ? a : throw new AtelierException($"{first} {a} and {second} {b} differ, which is not supported",
            file.Path, "use a model with equal values");
    }

    private static ActivationName T5Activation(ConfigFile file)
    {
        string name = file.String("feed_forward_proj", "relu");
        foreach ((string known, string plain, ActivationName value) in T5Activations)
        {
            if (known != name)
                continue;
            // the parts of the name, which the file repeats
            string repeated = file.String("dense_act_fn", plain);
            if (repeated != plain || file.Boolean("is_gated_act", value.IsGated()) != value.IsGated())
                throw new AtelierException($"feed_forward_proj '{name}' contradicts dense_act_fn '{repeated}' or "
                    + "is_gated_act", file.Path, "download or export the model again");
            return value;
        }
        throw new AtelierException($"feed_forward_proj '{name}' is not supported", file.Path,
            $"supported: {string.Join(", ", T5Activations.Select(a => a.Name))}");
    }
}
