using Atelier.Formats;

namespace Atelier.Networks;

/// <summary>
/// Reads the configuration of an encoder from a config.json: Hugging Face's BertConfig and RobertaConfig.
/// </summary>
public static class EncoderConfigFile
{
    internal const string Bert = "bert", Roberta = "roberta";

    private static readonly string[] Classes =
        ["Model", "ForMaskedLM", "ForPreTraining", "ForTokenClassification", "ForSequenceClassification"];

    private static readonly KnownKeys Keys = new(
        [
            "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act",
            "layer_norm_eps", "max_position_embeddings", "type_vocab_size", "tie_word_embeddings",
        ],
        // The last ones are of Google's first files, for a pooler that no released model has.
        [
            .. DecoderConfigKeys.Harmless.Where(key => key != "is_decoder"), "hidden_dropout_prob",
            "attention_probs_dropout_prob", "classifier_dropout", "directionality", "pooler_fc_size",
            "pooler_num_attention_heads", "pooler_num_fc_layers", "pooler_size_per_head", "pooler_type",
            "mask_token_id", "tag_column", // our own: for tokenizers without a mask token, and for taggers
        ],
        [
            .. DecoderConfigKeys.Generation, ("position_embedding_type", ["\"absolute\""]), ("is_decoder", ["false"]),
        ]);

    /// <summary>The supported values of model_type.</summary>
    public static IReadOnlyList<string> ModelTypes { get; } = [Bert, Roberta];

    /// <summary>Reads the configuration.</summary>
    /// <exception cref="AtelierException">A key is missing, out of range, or has an unsupported value.</exception>
    public static EncoderConfig Read(ConfigFile file)
    {
        if (!ModelTypes.Contains(file.ModelType))
            throw new AtelierException($"encoders of type '{file.ModelType}' are not supported", file.Path,
                $"supported are {string.Join(", ", ModelTypes)}");
        file.RefuseUnread(Keys);
        bool isRoberta = file.ModelType == Roberta;
        string family = isRoberta ? "Roberta" : "Bert";
        DecoderConfigFile.RequireClass(file, [.. Classes.Select(name => family + name)]);
        // RoBERTa's positions begin after the padding token's id (fairseq's numbering).
        int padding = isRoberta ? file.Integer("pad_token_id", 1) : -1;
        int positions = file.Integer("max_position_embeddings", 512);
        if (padding is < -1 or > 1 << 20 || positions - padding - 1 < 1)
            throw new AtelierException(
                $"pad_token_id {padding} and max_position_embeddings {positions} leave no position", file.Path,
                "download or export the model again");
        var config = new EncoderConfig
        {
            VocabularySize = file.VocabularySize,
            ContextLength = positions - padding - 1,
            PositionOffset = padding + 1,
            TypeCount = file.Integer("type_vocab_size", 2),
            HiddenSize = file.Integer("hidden_size"),
            LayerCount = file.Integer("num_hidden_layers"),
            HeadCount = file.Integer("num_attention_heads"),
            FeedForwardSize = file.Integer("intermediate_size"),
            NormEpsilon = file.Number("layer_norm_eps", 1e-12),
            Activation = file.String("hidden_act", "gelu") switch
            {
                "gelu" => ActivationName.Gelu,
                "gelu_new" or "gelu_pytorch_tanh" => ActivationName.GeluTanh,
                "relu" => ActivationName.Relu,
                string other => throw new AtelierException($"hidden_act '{other}' is not supported", file.Path,
                    "supported are gelu, gelu_new, gelu_pytorch_tanh and relu"),
            },
        };
        config.Check(file.Path);
        return config;
    }

    /// <summary>Returns whether the masked-LM head shares the weights of the embedding.</summary>
    public static bool TiesHead(ConfigFile file) => file.Boolean("tie_word_embeddings", true);
}
