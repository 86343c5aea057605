using System.Text.Json.Nodes;
using Atelier.Formats;
using Atelier.Layers;
using Atelier.Networks;
using Atelier.Runs;

namespace Atelier.Models.Gpt;

/// <summary>
/// Reads and writes the configuration of a GPT in config.json, in the format of Hugging Face's GPT2Config or
/// LlamaConfig if it is one of these architectures.
/// </summary>
internal static class GptConfigFile
{
    /// <summary>The values of model_type; the last is for architectures that Hugging Face lacks.</summary>
    public const string Gpt2 = "gpt2", Llama = "llama", Own = "atelier_gpt";

    /// <summary>The model_type of a resolved configuration.</summary>
    public static string ModelType(GptConfig config) => IsGpt2(config) ? Gpt2 : IsLlama(config) ? Llama : Own;

    /// <summary>Formats the configuration of a model as the text of config.json.</summary>
    public static string Write(GptModel model) => ModelType(model.Config) switch
    {
        Gpt2 => ConfigRecords.Write(ToGpt2(model.Config, model.VocabularySize)),
        Llama => ConfigRecords.Write(ToLlama(model.Config, model.VocabularySize, model.RopeScaling)),
        _ => ConfigRecords.Write(Own, model.VocabularySize, model.Config),
    };

    /// <summary>Reads a resolved configuration from config.json.</summary>
    /// <exception cref="AtelierException">A key is missing, out of range, or has a value that is not
    /// supported.</exception>
    public static GptConfig Read(ConfigFile file)
    {
        DecoderConfig shape = DecoderConfigFile.Read(file);
        if (file.ModelType is not (Gpt2 or Llama))
            return file.Read<GptConfig>().Resolve();
        bool isLlama = file.ModelType == Llama;
        return file.Check(new GptConfig
        {
            Layout = isLlama ? GptLayout.Llama : GptLayout.Gpt2,
            ContextLength = shape.ContextLength,
            HiddenSize = shape.HiddenSize,
            FeedForwardSize = shape.FeedForwardSize,
            LayerCount = shape.LayerCount,
            HeadCount = shape.HeadCount,
            KeyValueHeadCount = shape.KeyValueHeadCount,
            HeadSize = shape.HeadSize,
            Activation = shape.Activation,
            NormEpsilon = shape.NormEpsilon,
            RopeTheta = shape.RopeTheta,
            Dropout = isLlama ? file.Number("attention_dropout", 0) : file.Number("resid_pdrop", 0.1),
            TieHead = DecoderConfigFile.TiesHead(file),
            Bias = shape.AttentionBias || shape.FeedForwardBias,
        }).Resolve();
    }

    private static bool IsGpt2(GptConfig config) =>
        config is { Positions: PositionName.Learned, Norm: NormName.Layer }
        && config.Activation is ActivationName.Gelu or ActivationName.GeluTanh
        && config.KeyValueHeadCount == config.HeadCount
        && config.HeadSize * config.HeadCount == config.HiddenSize;

    private static bool IsLlama(GptConfig config) =>
        config is { Positions: PositionName.Rotary, Norm: NormName.Rms, Activation: ActivationName.SwiGlu };

    private static JsonObject ToGpt2(GptConfig config, int vocabularySize) => new()
    {
        ["model_type"] = Gpt2,
        ["architectures"] = new JsonArray("GPT2LMHeadModel"),
        ["vocab_size"] = vocabularySize,
        ["n_positions"] = config.ContextLength,
        ["n_embd"] = config.HiddenSize,
        ["n_layer"] = config.LayerCount,
        ["n_head"] = config.HeadCount,
        ["n_inner"] = config.FeedForwardSize,
        ["activation_function"] = config.Activation == ActivationName.Gelu ? "gelu" : "gelu_new",
        ["resid_pdrop"] = config.Dropout,
        ["embd_pdrop"] = config.Dropout,
        ["attn_pdrop"] = config.Dropout,
        ["layer_norm_epsilon"] = config.NormEpsilon,
        ["initializer_range"] = GptModel.Deviation,
        ["tie_word_embeddings"] = config.TieHead,
        ["bias"] = config.Bias, // our own key: Hugging Face's GPT-2 always has biases, and reads zeros for them
        ["torch_dtype"] = "float32",
    };

    private static JsonObject ToLlama(GptConfig config, int vocabularySize, RotaryScaling? scaling) => new()
    {
        ["model_type"] = Llama,
        ["architectures"] = new JsonArray("LlamaForCausalLM"),
        ["vocab_size"] = vocabularySize,
        ["hidden_size"] = config.HiddenSize,
        ["intermediate_size"] = config.FeedForwardSize,
        ["num_hidden_layers"] = config.LayerCount,
        ["num_attention_heads"] = config.HeadCount,
        ["num_key_value_heads"] = config.KeyValueHeadCount,
        ["head_dim"] = config.HeadSize,
        ["max_position_embeddings"] = config.ContextLength,
        ["hidden_act"] = "silu",
        ["rms_norm_eps"] = config.NormEpsilon,
        ["rope_theta"] = config.RopeTheta,
        ["rope_scaling"] = DecoderConfigFile.WriteScaling(scaling),
        ["attention_bias"] = config.Bias,
        ["mlp_bias"] = config.Bias,
        ["attention_dropout"] = config.Dropout,
        ["initializer_range"] = GptModel.Deviation,
        ["tie_word_embeddings"] = config.TieHead,
        ["torch_dtype"] = "float32",
    };
}
