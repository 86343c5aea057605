using Atelier.Formats;
using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>
/// Loads an encoder-decoder's weights from a model's memory-mapped files, under the names of Hugging Face's
/// MarianMTModel, BartForConditionalGeneration and T5ForConditionalGeneration.
/// </summary>
public static class EncoderDecoderWeightsFile
{
    private const string LogitBias = "final_logits_bias", Head = "lm_head.weight", Shared = "model.shared.weight",
        Positions = "embed_positions.weight", T5Shared = "shared.weight";

    /// <summary>Loads the weights of a folder.</summary>
    /// <param name="folder">The folder, with config.json.</param>
    /// <param name="tokens">Number of tokens of T5's tokenizer. Published models fill up their vocabulary with rows
    /// that no token uses; these are left out.</param>
    /// <returns>The configuration, and the weights, which own the mapped files.</returns>
    /// <exception cref="AtelierException">A file is missing or damaged, or the files do not fit together.</exception>
    public static (EncoderDecoderConfig Config, EncoderDecoderWeights Weights) Open(string folder,
        int tokens = int.MaxValue)
    {
        ConfigFile file = ConfigFile.Read(Path.Combine(folder, "config.json"));
        EncoderDecoderConfig config = EncoderDecoderConfigFile.Read(file);
        config.Check(file.Path);
        ModelWeights weights = ModelWeights.Open(folder, file);
        try
        {
            return Take(file.ModelType, config, weights, tokens);
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    private static (EncoderDecoderConfig, EncoderDecoderWeights) Take(string modelType, EncoderDecoderConfig config,
        ModelWeights weights, int tokens)
    {
        bool isT5 = modelType == EncoderDecoderConfigFile.T5;
        EncoderDecoderWeights taken = isT5 ? TakeT5(config, weights) : TakeTransformer(config, weights);
        taken.Check(config, weights.Path);
        weights.RefuseUntaken(isT5
            // copies, and a tensor without a use that the first published files have
            ? ["encoder.embed_tokens.weight", "decoder.embed_tokens.weight", Head,
                "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight"]
            : [.. Ignored(config)]);
        if (!isT5 || tokens >= config.VocabularySize)
            return (config, taken);
        WeightMatrix embedding = taken.TargetEmbedding.Slice(0, tokens);
        return (config with { SourceVocabularySize = tokens, VocabularySize = tokens }, taken with
        {
            SourceEmbedding = embedding,
            TargetEmbedding = embedding,
            Head = taken.Head with { Weight = taken.Head.Weight.Slice(0, tokens) },
        });
    }

    // Copies of tied weights, and constants that older versions of Hugging Face's library stored.
    private static IEnumerable<string> Ignored(EncoderDecoderConfig config) =>
    [
        .. config.TieHead ? (string[])[Head] : [],
        .. config.SharesEmbedding ? ["model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight"]
            : (string[])[],
        .. config.Positions == PositionName.Sinusoidal
            ? ["model.encoder." + Positions, "model.decoder." + Positions] : (string[])[],
    ];

    private static EncoderDecoderWeights TakeTransformer(EncoderDecoderConfig config, ModelWeights weights)
    {
        var reader = new WeightReader(weights);
        WeightMatrix source = reader.Matrix(config.SharesEmbedding ? Shared : "model.encoder.embed_tokens.weight"),
            target = config.SharesEmbedding ? source : reader.Matrix("model.decoder.embed_tokens.weight");
        return new EncoderDecoderWeights
        {
            SourceEmbedding = source,
            TargetEmbedding = target,
            Encoder = Stack("model.encoder.", config.EncoderLayerCount, isDecoder: false),
            Decoder = Stack("model.decoder.", config.DecoderLayerCount, isDecoder: true),
            Head = new LinearWeights(config.TieHead ? target : reader.Matrix(Head), Bias()),
            Owners = [weights],
        };

        // [1, vocabulary]
        float[]? Bias() => weights.Find(LogitBias) is null ? null
            : reader.Values(LogitBias, config.VocabularySize) is var bias && bias.AsSpan().ContainsAnyExcept(0f)
                ? bias : null;

        StackWeights Stack(string prefix, int layers, bool isDecoder) => new()
        {
            Positions = config.Positions == PositionName.Learned ? reader.Matrix(prefix + Positions) : null,
            EmbeddingNorm = config.EmbeddingNorm ? reader.Norm(prefix + "layernorm_embedding") : null,
            Blocks = [.. Enumerable.Range(0, layers).Select(layer => Block($"{prefix}layers.{layer}.", isDecoder))],
            FinalNorm = config.NormFirst ? reader.Norm(prefix + "layer_norm") : null,
        };

        BlockWeights Block(string at, bool isDecoder)
        {
            const string self = "self_attn", cross = "encoder_attn";
            return new BlockWeights
            {
                AttentionNorm = reader.Norm(at + self + "_layer_norm"),
                Query = reader.Linear($"{at}{self}.q_proj"),
                Key = reader.Linear($"{at}{self}.k_proj"),
                Value = reader.Linear($"{at}{self}.v_proj"),
                Output = reader.Linear($"{at}{self}.out_proj"),
                Cross = !isDecoder ? null : new CrossAttentionWeights(reader.Norm(at + cross + "_layer_norm"),
                    reader.Linear($"{at}{cross}.q_proj"), reader.Linear($"{at}{cross}.k_proj"),
                    reader.Linear($"{at}{cross}.v_proj"), reader.Linear($"{at}{cross}.out_proj")),
                FeedForwardNorm = reader.Norm(at + "final_layer_norm"),
                FeedForward = new(null, reader.Linear(at + "fc1"), reader.Linear(at + "fc2")),
            };
        }
    }

    private static EncoderDecoderWeights TakeT5(EncoderDecoderConfig config, ModelWeights weights)
    {
        var reader = new WeightReader(weights);
        WeightMatrix embedding = reader.Matrix(T5Shared);
        // Newer files of Hugging Face's library do not say in config.json that the output layer has its own weights.
        WeightMatrix? head = config.TieHead && weights.Find(Head) is null ? null : reader.Matrix(Head);
        return new EncoderDecoderWeights
        {
            SourceEmbedding = embedding,
            TargetEmbedding = embedding,
            Encoder = Stack("encoder.", config.EncoderLayerCount, isDecoder: false),
            Decoder = Stack("decoder.", config.DecoderLayerCount, isDecoder: true),
            Head = new LinearWeights(head ?? embedding),
            Owners = [weights],
        };

        StackWeights Stack(string prefix, int layers, bool isDecoder) => new()
        {
            RelativeBiases = reader.Matrix($"{prefix}block.0.layer.0.SelfAttention.relative_attention_bias.weight"),
            Blocks = [.. Enumerable.Range(0, layers)
                .Select(layer => Block($"{prefix}block.{layer}.layer.", isDecoder))],
            FinalNorm = Norm(prefix + "final_layer_norm"),
        };

        BlockWeights Block(string at, bool isDecoder)
        {
            string self = at + "0.SelfAttention.", cross = at + "1.EncDecAttention.", last = at + (isDecoder ? 2 : 1);
            bool isGated = config.Activation.IsGated();
            return new BlockWeights
            {
                AttentionNorm = Norm(at + "0.layer_norm"),
                Query = Linear(self + "q"),
                Key = Linear(self + "k"),
                Value = Linear(self + "v"),
                Output = Linear(self + "o"),
                Cross = !isDecoder ? null : new CrossAttentionWeights(Norm(at + "1.layer_norm"), Linear(cross + "q"),
                    Linear(cross + "k"), Linear(cross + "v"), Linear(cross + "o")),
                FeedForwardNorm = Norm(last + ".layer_norm"),
                FeedForward = new(isGated ? Linear(last + ".DenseReluDense.wi_0") : null,
                    Linear(last + (isGated ? ".DenseReluDense.wi_1" : ".DenseReluDense.wi")),
                    Linear(last + ".DenseReluDense.wo")),
            };
        }

        LinearWeights Linear(string name) => new(reader.Matrix(name + ".weight"));

        NormWeights Norm(string name) => new(reader.Vector(name + ".weight"));
    }
}
