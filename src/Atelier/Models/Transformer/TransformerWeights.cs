using Atelier.Layers;
using Atelier.Runs;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Models.Transformer;

/// <summary>
/// Exports and imports the weights of a Transformer under the names of Hugging Face's MarianMTModel and
/// BartForConditionalGeneration.
/// </summary>
internal static class TransformerWeights
{
    private const string LogitBias = "final_logits_bias";

    /// <summary>
    /// Copies the weights to contiguous tensors on the CPU, which belong to the caller's dispose scope.
    /// </summary>
    public static IReadOnlyDictionary<string, Tensor> Export(TransformerModel model) => WeightViews.Copy(
        [.. Views(model), (LogitBias, (model.LogitBias ?? zeros(model.VocabularySize)).view(1, -1))]);

    /// <summary>Copies tensors of any floating-point type into the weights of a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tensors">The tensors by name.</param>
    /// <param name="where">The path of their file, for error messages.</param>
    /// <exception cref="AtelierException">A tensor is missing, unexpected, or has the wrong shape.</exception>
    public static void Import(TransformerModel model, IReadOnlyDictionary<string, Tensor> tensors, string where)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        BundleTensors.CopyTo(Views(model).ToList(), tensors, name => IsIgnored(name, model), where);
        if (!tensors.TryGetValue(LogitBias, out Tensor? bias))
            return;
        if (bias.numel() != model.VocabularySize)
            throw new AtelierException($"the tensor {LogitBias} has {bias.numel()} values, but the vocabulary has "
                + $"{model.VocabularySize}", where, "download or export the model again");
        model.LogitBias = bias.count_nonzero().Number() > 0 ? bias.view(-1) : null;
    }

    /// <summary>Computes the number of weights of a configuration, to refuse files with fewer.</summary>
    public static Int128 ParameterCount(TransformerConfig config, long vocabularySize)
    {
        Int128 hidden = config.HiddenSize, inner = config.FeedForwardSize!.Value;
        Int128 attention = 4 * hidden * hidden, feedForward = 2 * hidden * inner;
        return (vocabularySize * hidden) + (config.EncoderLayerCount * (attention + feedForward))
            + (config.DecoderLayerCount * ((2 * attention) + feedForward));
    }

    // Copies of tied weights, and constants that older versions of Hugging Face's library stored.
    private static bool IsIgnored(string name, TransformerModel model) => name == LogitBias
        || (name == "lm_head.weight" && model.Output is null)
        || (model.SharesEmbedding && name is "model.encoder.embed_tokens.weight" or "model.decoder.embed_tokens.weight")
        || (model.Encoder.Positions is null && name.EndsWith(".embed_positions.weight", StringComparison.Ordinal));

    private static IEnumerable<(string Name, Tensor? View)> Views(TransformerModel model)
    {
        if (model.SharesEmbedding)
        {
            yield return ("model.shared.weight", model.TargetEmbedding.Weight);
        }
        else
        {
            yield return ("model.encoder.embed_tokens.weight", model.SourceEmbedding.Weight);
            yield return ("model.decoder.embed_tokens.weight", model.TargetEmbedding.Weight);
        }
        foreach (var view in Views("model.encoder.", model.Encoder).Concat(Views("model.decoder.", model.Decoder)))
            yield return view;
        if (model.Output is not null)
            yield return ("lm_head.weight", model.Output.Weight);
    }

    private static IEnumerable<(string Name, Tensor? View)> Views(string prefix, TransformerModel.Stack stack)
    {
        if (stack.Positions is not null)
            yield return (prefix + "embed_positions.weight", stack.Positions.Weight);
        if (stack.EmbeddingNorm is not null)
        {
            foreach (var view in WeightViews.Of(prefix + "layernorm_embedding", stack.EmbeddingNorm))
                yield return view;
        }
        foreach ((int i, TransformerBlock block) in stack.Blocks.Index())
        {
            string at = $"{prefix}layers.{i}.";
            IEnumerable<(string Name, Tensor? View)> views =
            [
                .. Attention(at + "self_attn", block.Attention),
                .. WeightViews.Of(at + "self_attn_layer_norm", block.AttentionNorm),
                .. block.CrossAttention is null ? [] : Attention(at + "encoder_attn", block.CrossAttention),
                .. block.CrossNorm is null ? [] : WeightViews.Of(at + "encoder_attn_layer_norm", block.CrossNorm),
                .. WeightViews.Of(at + "fc1", block.FeedForward.Input),
                .. WeightViews.Of(at + "fc2", block.FeedForward.Output),
                .. WeightViews.Of(at + "final_layer_norm", block.FeedForwardNorm),
            ];
            foreach (var view in views)
                yield return view;
        }
        if (stack.FinalNorm is not null)
        {
            foreach (var view in WeightViews.Of(prefix + "layer_norm", stack.FinalNorm))
                yield return view;
        }
    }

    private static IEnumerable<(string Name, Tensor? View)> Attention(string name, MultiHeadAttention layer) =>
        WeightViews.Of(layer, name + ".q_proj", name + ".k_proj", name + ".v_proj", name + ".out_proj");
}
