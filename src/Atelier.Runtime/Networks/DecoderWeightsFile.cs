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
    /// <param name="vocabularySize">The number of tokens of the tokenizer, if the vocabulary of the model is padded
    /// beyond them; null if it is not.</param>
    /// <inheritdoc cref="Open" path="/returns"/>
    /// <exception cref="AtelierException">A tensor is missing or of another shape.</exception>
    public static (DecoderConfig Config, DecoderWeights Weights) Take(ConfigFile file, ModelWeights weights,
        int? vocabularySize = null)
    {
        DecoderConfig shape = DecoderConfigFile.Read(file) with
        {
            // llama.cpp and llama2.c rotate neighbours in some models, Hugging Face always rotates halves. The rows
            // keep their order; the configuration says which it is.
            RotaryPairs = weights.Layout == TensorLayout.Gguf && GgufNames.HasNeighbours(file.ModelType)
                ? RotaryPairs.Neighbours : RotaryPairs.Halves,
        };
        if (weights.RopeFactors is not null)
            shape = shape with { RopeScaling = null, RopeFactors = weights.RopeFactors };
        Reader reader = new(shape, weights, DecoderConfigFile.TiesHead(file), file.ModelType);
        DecoderWeights taken = file.ModelType switch
        {
            GgufNames.Gpt2 => reader.Gpt2(),
            DecoderConfigFile.Own => reader.Own(),
            GgufNames.GptNeoX => reader.GptNeoX(),
            _ => reader.Llama(),
        };
        taken.Check(shape, weights.Path);
        weights.RefuseUntaken("lm_head.weight"); // the copy of a tied head
        if (vocabularySize is not int tokens || tokens >= shape.VocabularySize)
            return (shape, taken);
        return (shape with { VocabularySize = tokens }, taken with
        {
            Embedding = taken.Embedding.Slice(0, tokens),
            Head = taken.Head is null ? null : new LinearWeights(taken.Head.Weight.Slice(0, tokens)),
        });
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
                    FeedForward = new(null, Linear(block + "mlp.c_fc", config.FeedForwardBias),
                        Linear(block + "mlp.c_proj", config.FeedForwardBias)),
                };
            });

        public DecoderWeights GptNeoX() => Weights("gpt_neox.embed_in", null, "gpt_neox.final_layer_norm", "embed_out",
            layer =>
            {
                string block = $"gpt_neox.layers.{layer}.";
                (LinearWeights query, LinearWeights key, LinearWeights value) =
                    Split(Linear(block + "attention.query_key_value", config.AttentionBias));
                return new BlockWeights
                {
                    AttentionNorm = Norm(block + "input_layernorm"),
                    Query = query,
                    Key = key,
                    Value = value,
                    Output = Linear(block + "attention.dense", config.AttentionBias),
                    FeedForwardNorm = Norm(block + "post_attention_layernorm"),
                    FeedForward = new(null, Linear(block + "mlp.dense_h_to_4h", config.FeedForwardBias),
                        Linear(block + "mlp.dense_4h_to_h", config.FeedForwardBias)),
                };
            });

        public DecoderWeights Llama() => Weights("model.embed_tokens", positions: null, "model.norm", "lm_head",
            layer =>
            {
                string block = $"model.layers.{layer}.", attention = block + "self_attn.";
                bool hasBefore = config.NormPlacement != NormPlacement.After,
                    hasAfter = config.NormPlacement != NormPlacement.Before, bias = config.AttentionBias;
                (LinearWeights query, LinearWeights key, LinearWeights value) = Has(attention + "qkv_proj")
                    ? Split(Linear(attention + "qkv_proj", bias))
                    : (Linear(attention + "q_proj", bias), Linear(attention + "k_proj", bias),
                        Linear(attention + "v_proj", bias));
                bool hasNorms = config.QueryKeyNorm != QueryKeyNormName.None;
                return new BlockWeights
                {
                    AttentionNorm = hasBefore ? Norm(block + "input_layernorm") : null,
                    Query = query,
                    Key = key,
                    Value = value,
                    QueryNorm = hasNorms ? Norm(attention + "q_norm") : null,
                    KeyNorm = hasNorms ? Norm(attention + "k_norm") : null,
                    Output = Linear(attention + "o_proj", config.AttentionOutputBias ?? bias),
                    AttentionPostNorm = hasAfter ? Norm(block + "post_attention_layernorm") : null,
                    FeedForwardNorm = !hasBefore ? null
                        : Norm(block + (hasAfter ? "pre_feedforward_layernorm" : "post_attention_layernorm")),
                    FeedForward = config.Experts is null ? FeedForward(block + "mlp.") : null,
                    Experts = config.Experts is null ? null : Experts(block),
                    FeedForwardPostNorm = hasAfter ? Norm(block + "post_feedforward_layernorm") : null,
                };
            });

        public DecoderWeights Own() => Weights("tokens", config.Positions == PositionName.Learned ? "positions" : null,
            "finalNorm", "head", layer =>
            {
                string block = $"blocks.{layer}.";
                (LinearWeights query, LinearWeights key, LinearWeights value) =
                    Split(Linear(block + "attention.qkv", config.AttentionBias));
                LinearWeights input = Linear(block + "feedForward.input", config.FeedForwardBias);
                return new BlockWeights
                {
                    AttentionNorm = Norm(block + "attentionNorm"),
                    Query = query,
                    Key = key,
                    Value = value,
                    Output = Linear(block + "attention.output", config.AttentionBias),
                    FeedForwardNorm = Norm(block + "feedForwardNorm"),
                    FeedForward = Halves(input, Linear(block + "feedForward.output", config.FeedForwardBias)),
                };
            });

        private FeedForwardWeights FeedForward(string layer, string gate = "gate_proj", string up = "up_proj",
            string down = "down_proj")
        {
            bool bias = config.FeedForwardBias;
            if (Has(layer + "gate_up_proj"))
                return Halves(Linear(layer + "gate_up_proj", bias), Linear(layer + down, bias));
            return config.Activation.IsGated()
                ? new(Linear(layer + gate, bias), Linear(layer + up, bias), Linear(layer + down, bias))
                : new(null, Linear(layer + "c_fc", bias), Linear(layer + "c_proj", bias));
        }

        private ExpertWeights Experts(string block)
        {
            bool isMixtral = modelType == GgufNames.Mixtral, hasShared = config.Experts!.SharedSize > 0;
            string layer = block + (isMixtral ? "block_sparse_moe." : "mlp.");
            FeedForwardWeights Expert(int expert) => isMixtral
                ? FeedForward($"{layer}experts.{expert}.", "w1", "w3", "w2")
                : FeedForward($"{layer}experts.{expert}.");
            return new ExpertWeights(Linear(layer + "gate", hasBias: false),
                [.. Enumerable.Range(0, config.Experts.Count).Select(Expert)],
                hasShared ? FeedForward(layer + "shared_expert.") : null,
                hasShared ? Linear(layer + "shared_expert_gate", hasBias: false) : null);
        }

        /// <summary>Returns a feed-forward layer whose first matrix holds the gate's rows before the others.</summary>
        private FeedForwardWeights Halves(LinearWeights input, LinearWeights down)
        {
            int size = config.FeedForwardSize;
            return config.Activation.IsGated() ? new(Rows(input, 0, size), Rows(input, size, size), down)
                : new(null, input, down);
        }

        private bool Has(string layer) => weights.Find(layer + ".weight") is not null;

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

        private NormWeights Norm(string name)
        {
            // Where linear layers may lack biases, norms have them nevertheless.
            bool hasBias = modelType is GgufNames.Gpt2 or DecoderConfigFile.Own ? config.AttentionBias
                : weights.Find(name + ".bias") is not null;
            return new(_reader.Vector(name + ".weight"),
                config.Norm == NormName.Layer ? Bias(name + ".bias", hasBias) : null);
        }

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
