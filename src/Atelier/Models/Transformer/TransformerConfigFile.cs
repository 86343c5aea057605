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
    private const string Marian = EncoderDecoderConfigFile.Marian, Bart = EncoderDecoderConfigFile.Bart,
        Own = EncoderDecoderConfigFile.Own;

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
            ["activation_function"] = EncoderDecoderConfigFile.NameOf(config.Activation!.Value),
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
        EncoderDecoderConfig shape = EncoderDecoderConfigFile.Read(file);
        var config = file.Check(new TransformerConfig
        {
            Layout = file.ModelType == Marian ? TransformerLayout.Marian : TransformerLayout.Bart,
            EncoderLayerCount = shape.EncoderLayerCount,
            DecoderLayerCount = shape.DecoderLayerCount,
            HeadCount = shape.HeadCount,
            FeedForwardSize = shape.FeedForwardSize,
            HiddenSize = shape.HiddenSize,
            ContextLength = shape.ContextLength,
            Activation = shape.Activation,
            ScaleEmbedding = shape.ScaleEmbedding,
            TieHead = shape.TieHead,
            Dropout = file.Number("dropout", 0.1),
            AttentionDropout = file.Number("attention_dropout", 0),
            ActivationDropout = file.Number("activation_dropout", 0),
        });
        return (config.Resolve(), shape.SharesEmbedding ? null : shape.SourceVocabularySize, shape.VocabularySize);
    }
}
