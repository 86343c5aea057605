using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Data.Pairs;
using Atelier.Formats;
using Atelier.Networks;
using Atelier.Runs;
using Atelier.Tasks.Pairs;

namespace Atelier.Models.Transformer;

/// <summary>
/// Reads and writes the configuration of a Transformer in config.json, in the format of Hugging Face's MarianConfig or
/// BartConfig if it is one of these architectures.
/// </summary>
internal static class TransformerConfigFile
{
    /// <summary>The values of model_type; the last is for architectures that Hugging Face lacks.</summary>
    public const string Marian = "marian", Bart = "bart", Own = "atelier_transformer";

    private static readonly (string Name, ActivationName Value)[] Activations =
    [
        ("relu", ActivationName.Relu), ("gelu", ActivationName.Gelu), ("gelu_new", ActivationName.GeluTanh),
        ("gelu_pytorch_tanh", ActivationName.GeluTanh), ("swish", ActivationName.Silu), ("silu", ActivationName.Silu),
    ];

    private static readonly KnownKeys Known = new(
        [
            "vocab_size", "decoder_vocab_size", "d_model", "encoder_layers", "decoder_layers", "encoder_ffn_dim",
            "decoder_ffn_dim", "encoder_attention_heads", "decoder_attention_heads", "max_position_embeddings",
            "activation_function", "scale_embedding", "share_encoder_decoder_embeddings", "tie_word_embeddings",
            "pad_token_id", "eos_token_id", "decoder_start_token_id",
            PairConfigFile.SourceEnd, PairConfigFile.SourcePad, PairBundle.Prefix,
            "num_hidden_layers", // the same number as encoder_layers, which is read
            "bad_words_ids", "num_beams", "max_length", "length_penalty",
        ],
        // Names, versions, settings of training and of the classification head, and the end token that published code
        // forces at the greatest length.
        [
            "model_type", "architectures", "transformers_version", "torch_dtype", "dtype", "_name_or_path",
            "name_or_path", "_attn_implementation_autoset", "use_cache", "gradient_checkpointing", "dropout",
            "attention_dropout", "activation_dropout", "classifier_dropout", "classif_dropout", "encoder_layerdrop",
            "decoder_layerdrop", "init_std", "initializer_range", "id2label", "label2id", "num_labels",
            "task_specific_params", "bos_token_id", "forced_eos_token_id", "tokenizer_class", "output_past",
        ],
        ("is_encoder_decoder", ["true"]), ("normalize_before", ["false"]), ("add_final_layer_norm", ["false"]),
        ("add_bias_logits", ["false"]), ("static_position_embeddings", ["true", "false"]),
        ("normalize_embedding", ["true", "false"]), ("extra_pos_embeddings", ["2", "0"]),
        ("early_stopping", ["false", "true"]), ("no_repeat_ngram_size", ["0"]), ("min_length", ["0"]),
        ("forced_bos_token_id", []));

    /// <summary>The model_type of a model.</summary>
    public static string ModelType(TransformerModel model) => model.Config switch
    {
        { Layout: TransformerLayout.Marian, Positions: PositionName.Sinusoidal, EmbeddingNorm: false,
            NormFirst: false } => Marian,
        { Layout: TransformerLayout.Bart, Positions: PositionName.Learned, EmbeddingNorm: true, NormFirst: false,
            TieHead: true } when model.SharesEmbedding => Bart,
        _ => Own,
    };

    /// <summary>Formats the configuration of a model and its special tokens as the text of config.json.</summary>
    public static string Write(TransformerModel model, SequenceEnds ends)
    {
        TransformerConfig config = model.Config;
        string type = ModelType(model);
        if (type == Own)
            return PairConfigFile.Write(Own, model, model.SharesEmbedding, ends, config);
        var root = new JsonObject
        {
            ["model_type"] = type,
            ["architectures"] = new JsonArray(type == Bart ? "BartForConditionalGeneration" : "MarianMTModel"),
            ["is_encoder_decoder"] = true,
            ["vocab_size"] = model.SourceVocabularySize,
            ["d_model"] = config.HiddenSize,
            ["encoder_layers"] = config.EncoderLayerCount,
            ["decoder_layers"] = config.DecoderLayerCount,
            ["encoder_attention_heads"] = config.HeadCount,
            ["decoder_attention_heads"] = config.HeadCount,
            ["encoder_ffn_dim"] = config.FeedForwardSize,
            ["decoder_ffn_dim"] = config.FeedForwardSize,
            ["max_position_embeddings"] = config.ContextLength,
            ["activation_function"] = Activations.First(a => a.Value == config.Activation).Name,
            ["scale_embedding"] = config.ScaleEmbedding,
            ["tie_word_embeddings"] = config.TieHead,
            ["dropout"] = config.Dropout,
            ["attention_dropout"] = config.AttentionDropout,
            ["activation_dropout"] = config.ActivationDropout,
            ["torch_dtype"] = "float32",
        };
        if (type == Marian)
        {
            root["decoder_vocab_size"] = model.VocabularySize;
            root["share_encoder_decoder_embeddings"] = model.SharesEmbedding;
        }
        foreach ((string key, JsonNode? value) in PairConfigFile.Tokens(ends, model.SharesEmbedding))
            root[key] = value?.DeepClone();
        return ConfigRecords.Write(root);
    }

    /// <summary>
    /// Reads a resolved configuration, with the size of the sources' vocabulary, or null if targets share it, and the
    /// size of the targets' vocabulary.
    /// </summary>
    /// <exception cref="AtelierException">A key is missing, out of range, or has a value that is not
    /// supported.</exception>
    public static (TransformerConfig Config, int? SourceVocabulary, int Vocabulary) Read(ConfigFile file)
    {
        if (file.ModelType == Own)
        {
            (TransformerConfig own, int? source, int vocabulary) = PairConfigFile.Read<TransformerConfig>(file);
            return (own.Resolve(), source, vocabulary);
        }
        file.RefuseUnread(Known);
        CheckBans(file);
        bool isMarian = file.ModelType == Marian;
        bool shares = !isMarian || file.Boolean("share_encoder_decoder_embeddings", true);
        var config = file.Check(new TransformerConfig
        {
            Layout = isMarian ? TransformerLayout.Marian : TransformerLayout.Bart,
            EncoderLayerCount = file.Integer("encoder_layers", 12),
            DecoderLayerCount = file.Integer("decoder_layers", 12),
            HeadCount = Same(file, "encoder_attention_heads", "decoder_attention_heads", 16),
            FeedForwardSize = Same(file, "encoder_ffn_dim", "decoder_ffn_dim", 4096),
            HiddenSize = file.Integer("d_model", 1024),
            ContextLength = file.Integer("max_position_embeddings", 1024),
            Activation = Activation(file),
            ScaleEmbedding = file.Boolean("scale_embedding", false),
            TieHead = file.Boolean("tie_word_embeddings", true),
            Dropout = file.Number("dropout", 0.1),
            AttentionDropout = file.Number("attention_dropout", 0),
            ActivationDropout = file.Number("activation_dropout", 0),
        });
        int sources = file.VocabularySize, targets = isMarian ? file.Integer("decoder_vocab_size", sources) : sources;
        return (config.Resolve(), shares ? null : sources, targets);
    }

    // Marian's files forbid the padding token, which a trained model never writes; other bans are not read.
    private static void CheckBans(ConfigFile file)
    {
        if (file.Root.TryGetProperty("bad_words_ids", out JsonElement bans) && bans.ValueKind != JsonValueKind.Null
            && bans.GetRawText().Trim('[', ']', ' ', '\n') != $"{file.Integer("pad_token_id")}")
            throw new AtelierException("bad_words_ids forbids other tokens than padding, which is not supported",
                file.Path, "use a model without it");
    }

    private static int Same(ConfigFile file, string first, string second, int otherwise)
    {
        (int a, int b) = (file.Integer(first, otherwise), file.Integer(second, otherwise));
        return a == b ? a : throw new AtelierException($"{first} {a} and {second} {b} differ, which is not supported",
            file.Path, "use a model with equal values");
    }

    private static ActivationName Activation(ConfigFile file)
    {
        string name = file.String("activation_function", "gelu");
        foreach ((string known, ActivationName value) in Activations)
        {
            if (known == name)
                return value;
        }
        throw new AtelierException($"activation_function '{name}' is not supported", file.Path,
            $"supported: {string.Join(", ", Activations.Select(a => a.Name))}");
    }
}
