using System.Text.Json.Nodes;
using Atelier.Data.Pairs;
using Atelier.Formats;
using Atelier.Networks;
using Atelier.Runs;
using Atelier.Tasks.Pairs;

namespace Atelier.Models.T5;

/// <summary>
/// Reads and writes the configuration of T5 in config.json, in the format of Hugging Face's T5Config.
/// </summary>
internal static class T5ConfigFile
{
    /// <summary>The value of model_type.</summary>
    public const string ModelType = "t5";

    // the activation by the names of the feed-forward layer, and of its activation alone
    private static readonly (string Name, string Plain, ActivationName Value)[] Activations =
    [
        ("relu", "relu", ActivationName.Relu), ("gated-gelu", "gelu_new", ActivationName.GeGlu),
        ("gated-silu", "silu", ActivationName.SwiGlu), ("gelu", "gelu", ActivationName.Gelu),
        ("gelu_new", "gelu_new", ActivationName.GeluTanh), ("silu", "silu", ActivationName.Silu),
    ];

    private static readonly KnownKeys Known = new(
        [
            "vocab_size", "d_model", "d_kv", "d_ff", "num_layers", "num_decoder_layers", "num_heads",
            "relative_attention_num_buckets", "relative_attention_max_distance", "layer_norm_epsilon",
            "feed_forward_proj", "dense_act_fn", "is_gated_act", "tie_word_embeddings", "scale_decoder_outputs",
            "n_positions", "dropout_rate", "pad_token_id", "eos_token_id", "decoder_start_token_id", PairBundle.Prefix,
            "num_beams", "max_length", "length_penalty",
        ],
        // Names, versions, settings of training and of the classification head, and prefixes and decoding options by
        // task, of which a model has several.
        [
            "model_type", "architectures", "transformers_version", "torch_dtype", "dtype", "_name_or_path",
            "_attn_implementation_autoset", "use_cache", "gradient_checkpointing", "classifier_dropout", "id2label",
            "label2id", "num_labels", "initializer_factor", "initializer_range", "task_specific_params",
            "tokenizer_class", "output_past", "output_attentions", "output_hidden_states",
        ],
        ("is_encoder_decoder", ["true"]), ("is_decoder", ["false"]), ("early_stopping", ["false", "true"]),
        ("no_repeat_ngram_size", ["0"]), ("min_length", ["0"]), ("forced_bos_token_id", []),
        ("bad_words_ids", []));

    /// <summary>Formats the configuration of a model and its special tokens as the text of config.json.</summary>
    public static string Write(T5Model model, SequenceEnds ends)
    {
        T5Config config = model.Config;
        (string name, string plain, _) = Activations.First(a => a.Value == config.Activation);
        var root = new JsonObject
        {
            ["model_type"] = ModelType,
            ["architectures"] = new JsonArray("T5ForConditionalGeneration"),
            ["is_encoder_decoder"] = true,
            ["vocab_size"] = model.VocabularySize,
            ["d_model"] = config.HiddenSize,
            ["d_kv"] = config.HeadSize,
            ["d_ff"] = config.FeedForwardSize,
            ["num_layers"] = config.EncoderLayerCount,
            ["num_decoder_layers"] = config.DecoderLayerCount,
            ["num_heads"] = config.HeadCount,
            ["relative_attention_num_buckets"] = config.RelativeBuckets,
            ["relative_attention_max_distance"] = config.RelativeDistance,
            ["layer_norm_epsilon"] = config.NormEpsilon,
            ["feed_forward_proj"] = name,
            ["dense_act_fn"] = plain,
            ["is_gated_act"] = config.Activation!.Value.IsGated(),
            ["tie_word_embeddings"] = config.TieHead,
            ["n_positions"] = config.ContextLength,
            ["dropout_rate"] = config.Dropout,
            ["pad_token_id"] = ends.PadId,
            ["eos_token_id"] = ends.EndId,
            ["decoder_start_token_id"] = ends.StartId,
            ["torch_dtype"] = "float32",
        };
        if (config.ScaleOutput != config.TieHead)
            root["scale_decoder_outputs"] = config.ScaleOutput;
        return ConfigRecords.Write(root);
    }

    /// <summary>Reads a resolved configuration and the size of the vocabulary.</summary>
    /// <exception cref="AtelierException">A key is missing, out of range, or has a value that is not
    /// supported.</exception>
    public static (T5Config Config, int Vocabulary) Read(ConfigFile file)
    {
        file.RefuseUnread(Known);
        int layers = file.Integer("num_layers", 6);
        bool tied = file.Boolean("tie_word_embeddings", true);
        var config = file.Check(new T5Config
        {
            EncoderLayerCount = layers,
            DecoderLayerCount = file.Integer("num_decoder_layers", layers),
            HeadCount = file.Integer("num_heads", 8),
            HeadSize = file.Integer("d_kv", 64),
            HiddenSize = file.Integer("d_model", 512),
            FeedForwardSize = file.Integer("d_ff", 2048),
            ContextLength = file.Integer("n_positions", 512),
            RelativeBuckets = file.Integer("relative_attention_num_buckets", 32),
            RelativeDistance = file.Integer("relative_attention_max_distance", 128),
            NormEpsilon = file.Number("layer_norm_epsilon", 1e-6),
            Dropout = file.Number("dropout_rate", 0.1),
            Activation = Activation(file),
            TieHead = tied,
            ScaleOutput = file.Boolean("scale_decoder_outputs", tied),
        });
        if (file.VocabularySize < 1)
            throw new AtelierException($"vocab_size is {file.VocabularySize}", file.Path,
                "download or export the model again");
        T5Layout layout = config.TieHead!.Value ? T5Layout.T5 : T5Layout.Flan;
        return ((config with { Layout = layout }).Resolve(), file.VocabularySize);
    }

    /// <summary>Reads the special tokens.</summary>
    /// <exception cref="AtelierException">A token is not a number.</exception>
    public static SequenceEnds ReadEnds(ConfigFile file)
    {
        int pad = file.Integer("pad_token_id", 0);
        return new SequenceEnds(file.Integer("decoder_start_token_id", pad), file.Integer("eos_token_id", 1), pad);
    }

    private static ActivationName Activation(ConfigFile file)
    {
        string name = file.String("feed_forward_proj", "relu");
        foreach ((string known, string plain, ActivationName value) in Activations)
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
            $"supported: {string.Join(", ", Activations.Select(a => a.Name))}");
    }
}
