using Atelier.Formats;
using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>
/// Loads a decoder's weights from a model's memory-mapped files. Only transposed matrices, those of Hugging Face's
/// GPT-2, are copied.
/// </summary>
public static class DecoderWeightsFile
{
    /// <summary>Loads the weights of a bundle or of a folder saved by Hugging Face's tools.</summary>
    /// <param name="folder">The folder, with config.json.</param>
    /// <returns>
    /// The configuration, with the order of rotary pairs in the file, and the weights, which own the mapped files.
    /// </returns>
    /// <exception cref="AtelierException">A file is missing or damaged, or the files do not fit together.</exception>
    public static (DecoderConfig Config, DecoderWeights Weights) Open(string folder)
    {
        ConfigFile config = ConfigFile.Read(Path.Combine(folder, "config.json"));
        ModelWeights weights = ModelWeights.Open(folder, config);
        try
        {
            return Take(config, weights);
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <summary>Loads the weights from tensors.</summary>
    /// <param name="file">The config.json with the configuration.</param>
    /// <param name="weights">The tensors; the result owns them.</param>
    /// <inheritdoc cref="Open" path="/returns"/>
    /// <exception cref="AtelierException">A tensor is missing or of another shape.</exception>
    public static (DecoderConfig Config, DecoderWeights Weights) Take(ConfigFile file, ModelWeights weights)
    {
        DecoderConfig shape = DecoderConfigFile.Read(file) with
        {
            // llama.cpp and llama2.c rotate neighbours, Hugging Face rotates halves. The rows keep their order; the
            // configuration says which it is.
            RotaryPairs = weights.Layout == TensorLayout.Gguf ? RotaryPairs.Neighbours : RotaryPairs.Halves,
        };
        if (weights.RopeFactors is not null)
            shape = shape with { RopeScaling = null, RopeFactors = weights.RopeFactors };
        Reader reader = new(shape, weights, DecoderConfigFile.TiesHead(file), file.ModelType);
        DecoderWeights taken = file.ModelType switch
        {
            GgufNames.Gpt2 => reader.Gpt2(),
            GgufNames.Llama => reader.Llama(),
            _ => reader.Own(),
        };
        taken.Check(shape, weights.Path);
        weights.RefuseUntaken("lm_head.weight"); // the copy of a tied head
        return (shape, taken);
    }

    private sealed class Reader(DecoderConfig config, ModelWeights weights, bool tiesHead, string modelType)
    {
        private readonly WeightReader _reader = new(weights);

        public DecoderWeights Gpt2() => Weights("transformer.wte", "transformer.wpe", "transformer.ln_f", "lm_head",
            layer =>
            {
                string block = $"transformer.h.{layer}.";
                (LinearWeights query, LinearWeights key, LinearWeights value) =
                    Split(Linear(block + "attn.c_attn", config.AttentionBias));
                return new BlockWeights
                {
                    AttentionNorm = Norm(block + "ln_1"),
                    Query = query,
                    Key = key,
                    Value = value,
                    Output = Linear(block + "attn.c_proj", config.AttentionBias),
                    FeedForwardNorm = Norm(block + "ln_2"),
                    Up = Linear(block + "mlp.c_fc", config.FeedForwardBias),
                    Down = Linear(block + "mlp.c_proj", config.FeedForwardBias),
                };
            });

        public DecoderWeights Llama() => Weights("model.embed_tokens", positions: null, "model.norm", "lm_head",
            layer =>
            {
                string block = $"model.layers.{layer}.";
                return new BlockWeights
                {
                    AttentionNorm = Norm(block + "input_layernorm"),
                    Query = Linear(block + "self_attn.q_proj", config.AttentionBias),
                    Key = Linear(block + "self_attn.k_proj", config.AttentionBias),
                    Value = Linear(block + "self_attn.v_proj", config.AttentionBias),
                    Output = Linear(block + "self_attn.o_proj", config.AttentionBias),
                    FeedForwardNorm = Norm(block + "post_attention_layernorm"),
                    Gate = Linear(block + "mlp.gate_proj", config.FeedForwardBias),
                    Up = Linear(block + "mlp.up_proj", config.FeedForwardBias),
                    Down = Linear(block + "mlp.down_proj", config.FeedForwardBias),
                };
            });

        public DecoderWeights Own() => Weights("tokens", config.Positions == PositionName.Learned ? "positions" : null,
            "finalNorm", "head", layer =>
            {
                string block = $"blocks.{layer}.";
                (LinearWeights query, LinearWeights key, LinearWeights value) =
                    Split(Linear(block + "attention.qkv", config.AttentionBias));
                LinearWeights input = Linear(block + "feedForward.input", config.FeedForwardBias);
                bool isGated = config.Activation == ActivationName.SwiGlu; // the gate's rows come first
                return new BlockWeights
                {
                    AttentionNorm = Norm(block + "attentionNorm"),
                    Query = query,
                    Key = key,
                    Value = value,
                    Output = Linear(block + "attention.output", config.AttentionBias),
                    FeedForwardNorm = Norm(block + "feedForwardNorm"),
                    Gate = isGated ? Rows(input, 0, config.FeedForwardSize) : null,
                    Up = isGated ? Rows(input, config.FeedForwardSize, config.FeedForwardSize) : input,
                    Down = Linear(block + "feedForward.output", config.FeedForwardBias),
                };
            });

        private DecoderWeights Weights(string tokens, string? positions, string finalNorm, string head,
            Func<int, BlockWeights> block) => new()
        {
            Embedding = _reader.Matrix(tokens + ".weight"),
            Positions = positions is null ? null : _reader.Matrix(positions + ".weight"),
            Blocks = [.. Enumerable.Range(0, config.LayerCount).Select(block)],
            FinalNorm = Norm(finalNorm),
            Head = tiesHead ? null : Linear(head, hasBias: false),
            Owners = [weights],
        };

        private NormWeights Norm(string name) =>
            new(_reader.Vector(name + ".weight"),
                config.Norm == NormName.Layer ? Bias(name + ".bias", config.AttentionBias) : null);

        private LinearWeights Linear(string name, bool hasBias) =>
            new(_reader.Matrix(name + ".weight"), Bias(name + ".bias", hasBias));

        /// <summary>
        /// Returns a bias, or null if the configuration has none. GPT-2's files may then store a bias of zeros.
        /// </summary>
        private float[]? Bias(string name, bool hasBias)
        {
            if (hasBias)
                return _reader.Vector(name);
            if (modelType == GgufNames.Gpt2 && weights.Find(name) is not null
                && _reader.Vector(name).AsSpan().IndexOfAnyExcept(0f) >= 0)
                throw new AtelierException(
                    $"the tensor {name} is not all zeros, but config.json says that there are no biases",
                    weights.Path, "download or export the model again");
            return null;
        }

        /// <summary>Splits a matrix with the rows of queries, keys and values.</summary>
        private (LinearWeights Query, LinearWeights Key, LinearWeights Value) Split(LinearWeights all)
        {
            int query = config.QuerySize, other = config.KeyValueSize;
            return (Rows(all, 0, query), Rows(all, query, other), Rows(all, query + other, other));
        }

        private LinearWeights Rows(LinearWeights all, int start, int count) =>
            start + count <= all.Weight.Rows && (all.Bias is null || start + count <= all.Bias.Length)
                ? new LinearWeights(all.Weight.Slice(start, count), all.Bias?[start..(start + count)])
                : throw new AtelierException($"{all.Weight.Name} has {all.Weight.Rows} rows, too few for the shape",
                    weights.Path, "download or export the model again");
    }
}
