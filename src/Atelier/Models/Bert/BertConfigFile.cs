using System.Text.Json.Nodes;
using Atelier.Formats;
using Atelier.Networks;
using Atelier.Runs;
using Atelier.Tokenizers;

namespace Atelier.Models.Bert;

/// <summary>
/// Reads and writes the configuration of a BERT in config.json, in the format of Hugging Face's BertConfig and
/// RobertaConfig.
/// </summary>
internal static class BertConfigFile
{
    /// <summary>The values of model_type.</summary>
    public const string Bert = "bert", Roberta = "roberta";

    // our own key, for tokenizers without a mask token
    private const string Mask = "mask_token_id";

    private static readonly (string Name, ActivationName Value)[] Activations =
    [
        ("gelu", ActivationName.Gelu), ("gelu_new", ActivationName.GeluTanh),
        ("gelu_pytorch_tanh", ActivationName.GeluTanh), ("relu", ActivationName.Relu),
    ];

    private static readonly KnownKeys Known = new(
        [
            "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act",
            "layer_norm_eps", "max_position_embeddings", "type_vocab_size", "tie_word_embeddings", "pad_token_id",
            "bos_token_id", "eos_token_id", "hidden_dropout_prob", "attention_probs_dropout_prob", Mask,
        ],
        // Names, versions, settings of training and of classification heads. The last ones are of Google's first files,
        // for a pooler that no released model has.
        [
            "model_type", "architectures", "transformers_version", "torch_dtype", "dtype", "_name_or_path",
            "name_or_path", "_attn_implementation_autoset", "use_cache", "gradient_checkpointing", "initializer_range",
            "classifier_dropout", "id2label", "label2id", "num_labels", "task_specific_params", "tokenizer_class",
            "output_past", "directionality", "pooler_fc_size", "pooler_num_attention_heads", "pooler_num_fc_layers",
            "pooler_size_per_head", "pooler_type",
        ],
        ("position_embedding_type", ["\"absolute\""]), ("is_decoder", ["false"]));

    /// <summary>Formats the configuration of a model and its special tokens as the text of config.json.</summary>
    public static string Write(BertModel model, MaskedTokens tokens)
    {
        BertConfig config = model.Config;
        bool isRoberta = config.Layout == BertLayout.Roberta;
        string name = (isRoberta ? "Roberta" : "Bert") + (model.PredictsTokens ? "ForMaskedLM" : "Model");
        return ConfigRecords.Write(new JsonObject
        {
            ["model_type"] = isRoberta ? Roberta : Bert,
            ["architectures"] = new JsonArray(name),
            ["vocab_size"] = model.VocabularySize,
            ["hidden_size"] = config.HiddenSize,
            ["num_hidden_layers"] = config.LayerCount,
            ["num_attention_heads"] = config.HeadCount,
            ["intermediate_size"] = config.FeedForwardSize,
            ["hidden_act"] = Activations.First(a => a.Value == config.Activation).Name,
            ["hidden_dropout_prob"] = config.Dropout,
            ["attention_probs_dropout_prob"] = config.AttentionDropout,
            // with the rows before the first position
            ["max_position_embeddings"] = model.FirstPosition + config.ContextLength,
            ["type_vocab_size"] = config.TypeCount,
            ["layer_norm_eps"] = config.NormEpsilon,
            ["initializer_range"] = BertModel.Deviation,
            ["tie_word_embeddings"] = config.TieHead,
            ["position_embedding_type"] = "absolute",
            ["pad_token_id"] = tokens.PadId,
            ["bos_token_id"] = tokens.BeginId,
            ["eos_token_id"] = tokens.EndId,
            [Mask] = tokens.MaskId,
            ["torch_dtype"] = "float32",
        });
    }

    /// <summary>Reads a resolved configuration.</summary>
    /// <exception cref="AtelierException">A key is missing, out of range, or has a value that is not
    /// supported.</exception>
    public static BertConfig Read(ConfigFile file)
    {
        file.RefuseUnread(Known);
        bool isRoberta = file.ModelType == Roberta;
        int positions = file.Integer("max_position_embeddings", 512), first = isRoberta ? PadId(file) + 1 : 0;
        if (first < 0 || positions - (long)first < 1)
            throw new AtelierException($"pad_token_id {first - 1L} and max_position_embeddings {positions} leave no "
                + "position", file.Path, "download or export the model again");
        return file.Check(new BertConfig
        {
            Layout = isRoberta ? BertLayout.Roberta : BertLayout.Bert,
            LayerCount = file.Integer("num_hidden_layers", 12),
            HeadCount = file.Integer("num_attention_heads", 12),
            HiddenSize = file.Integer("hidden_size", 768),
            FeedForwardSize = file.Integer("intermediate_size", 3072),
            ContextLength = positions - first,
            TypeCount = file.Integer("type_vocab_size", 2),
            NormEpsilon = file.Number("layer_norm_eps", 1e-12),
            TieHead = file.Boolean("tie_word_embeddings", true),
            Activation = Activation(file),
            Dropout = file.Number("hidden_dropout_prob", 0.1),
            AttentionDropout = file.Number("attention_probs_dropout_prob", 0.1),
        }).Resolve();
    }

    /// <summary>Reads the padding token.</summary>
    public static int PadId(ConfigFile file) => file.Integer("pad_token_id", file.ModelType == Roberta ? 1 : 0);

    /// <summary>
    /// Reads the special tokens: those of the tokenizer, or else those of config.json.
    /// </summary>
    /// <exception cref="AtelierException">The vocabulary of the model lacks one of the tokens.</exception>
    public static MaskedTokens ReadTokens(ConfigFile file, Tokenizer tokenizer)
    {
        var named = new MaskedTokens(file.IntegerOrNull(Mask))
        {
            BeginId = file.IntegerOrNull("bos_token_id"),
            EndId = file.IntegerOrNull("eos_token_id"),
        };
        MaskedTokens tokens = MaskedTokens.Of(tokenizer, named) with { PadId = PadId(file) };
        return tokens.Check(file.VocabularySize, file.Path);
    }

    private static ActivationName Activation(ConfigFile file)
    {
        string name = file.String("hidden_act", "gelu");
        foreach ((string known, ActivationName value) in Activations)
        {
            if (known == name)
                return value;
        }
        throw new AtelierException($"hidden_act '{name}' is not supported", file.Path,
            $"supported: {string.Join(", ", Activations.Select(a => a.Name))}");
    }
}
