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
            ["hidden_act"] = config.Activation switch
            {
                ActivationName.GeluTanh => "gelu_new",
                ActivationName.Relu => "relu",
                _ => "gelu",
            },
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
        EncoderConfig shape = EncoderConfigFile.Read(file);
        return file.Check(new BertConfig
        {
            Layout = file.ModelType == Roberta ? BertLayout.Roberta : BertLayout.Bert,
            LayerCount = shape.LayerCount,
            HeadCount = shape.HeadCount,
            HiddenSize = shape.HiddenSize,
            FeedForwardSize = shape.FeedForwardSize,
            ContextLength = shape.ContextLength,
            TypeCount = shape.TypeCount,
            NormEpsilon = shape.NormEpsilon,
            Activation = shape.Activation,
            TieHead = EncoderConfigFile.TiesHead(file),
            Dropout = file.Number("hidden_dropout_prob", 0.1),
            AttentionDropout = file.Number("attention_probs_dropout_prob", 0.1),
        }).Resolve();
    }

    /// <summary>Reads the padding token.</summary>
    public static int PadId(ConfigFile file) => file.Integer("pad_token_id", file.ModelType == Roberta ? 1 : 0);
}
