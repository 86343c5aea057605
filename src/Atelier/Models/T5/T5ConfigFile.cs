using System.Text.Json.Nodes;
using Atelier.Data.Pairs;
using Atelier.Exchange;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Networks;
using Atelier.Runs;

namespace Atelier.Models.T5;

/// <summary>
/// Reads and writes the configuration of T5 in config.json, in the format of Hugging Face's T5Config.
/// </summary>
internal static class T5ConfigFile
{
    /// <summary>The value of model_type.</summary>
    public const string ModelType = EncoderDecoderConfigFile.T5;

    /// <summary>Formats the configuration of a model and its special tokens as the text of config.json.</summary>
    public static string Write(T5Model model, SequenceEnds ends)
    {
        T5Config config = model.Config;
        (string name, string plain) = EncoderDecoderConfigFile.T5NameOf(config.Activation!.Value);
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
        EncoderDecoderConfig shape = EncoderDecoderConfigFile.Read(file);
        var config = file.Check(new T5Config
        {
            EncoderLayerCount = shape.EncoderLayerCount,
            DecoderLayerCount = shape.DecoderLayerCount,
            HeadCount = shape.HeadCount,
            HeadSize = shape.HeadSize,
            HiddenSize = shape.HiddenSize,
            FeedForwardSize = shape.FeedForwardSize,
            ContextLength = shape.ContextLength,
            RelativeBuckets = shape.Relative!.Buckets,
            RelativeDistance = shape.Relative.Distance,
            NormEpsilon = shape.NormEpsilon,
            Dropout = file.Number("dropout_rate", 0.1),
            Activation = shape.Activation,
            TieHead = shape.TieHead,
            ScaleOutput = shape.ScaleOutput,
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
        SequenceToSequenceTokens tokens = SequenceToSequenceFile.ReadTokens(file);
        return new SequenceEnds(tokens.StartId, tokens.EndIds[0], file.Integer("pad_token_id", 0));
    }
}
