using Atelier.Formats;
using Atelier.Layers;
using Atelier.Networks;
using Atelier.Runs;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Models.T5;

/// <summary>
/// Exports and imports the weights of T5 under the names of Hugging Face's T5ForConditionalGeneration.
/// </summary>
internal static class T5Weights
{
    private const string Shared = "shared.weight", Head = "lm_head.weight";

    // The embedding under its other names, and a tensor without a use that the first published files have.
    private static readonly string[] Copies =
    [
        "encoder.embed_tokens.weight", "decoder.embed_tokens.weight",
        "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight",
    ];

    /// <summary>
    /// Copies the weights to contiguous tensors on the CPU, which belong to the caller's dispose scope.
    /// </summary>
    public static IReadOnlyDictionary<string, Tensor> Export(T5Model model) => WeightViews.Copy(Views(model));

    /// <summary>Copies tensors of any floating-point type into the weights of a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tensors">The tensors by name.</param>
    /// <param name="where">The path of their file, for error messages.</param>
    /// <exception cref="AtelierException">A tensor is missing, unexpected, or has the wrong shape.</exception>
    public static void Import(T5Model model, IReadOnlyDictionary<string, Tensor> tensors, string where)
    {
        using var scope = NewDisposeScope();
        BundleTensors.CopyTo(Views(model).ToList(), tensors,
            name => Copies.Contains(name) || (name == Head && model.Output is null), where);
    }

    /// <summary>Creates the model that config.json and the weights describe.</summary>
    /// <param name="file">The config.json.</param>
    /// <param name="tensors">The tensors by name.</param>
    /// <param name="where">The path of their file, for error messages.</param>
    /// <param name="tokens">The number of tokens of the tokenizer. Published models fill up their vocabulary with rows
    /// that no token uses; these are left out.</param>
    /// <exception cref="AtelierException">The configuration and the weights do not match.</exception>
    public static T5Model Read(ConfigFile file, IReadOnlyDictionary<string, Tensor> tensors, string where,
        int tokens = int.MaxValue)
    {
        (T5Config config, int vocabulary) = T5ConfigFile.Read(file);
        BundleTensors.CheckCount(tensors, ParameterCount(config, vocabulary), where);
        // newer files of Hugging Face's library do not say in config.json that the output layer has its own weights
        if (config.TieHead!.Value && tensors.TryGetValue(Head, out Tensor? head)
            && tensors.TryGetValue(Shared, out Tensor? shared) && !IsSame(head, shared))
            config = config with { TieHead = false };
        var model = new T5Model(config, Math.Min(vocabulary, tokens), Precision.Fp32, seed: 0);
        return BundleTensors.Fill(model, () =>
            Import(model, tensors.ToDictionary(pair => pair.Key, pair => pair.Key is Shared or Head
                && vocabulary > tokens && pair.Value.shape[0] == vocabulary ? pair.Value.narrow(0, 0, tokens)
                : pair.Value), where));
    }

    /// <summary>Computes the number of weights of a configuration, to refuse files with fewer.</summary>
    private static Int128 ParameterCount(T5Config config, int vocabularySize)
    {
        Int128 hidden = config.HiddenSize, inner = config.FeedForwardSize!.Value;
        Int128 attention = 4 * hidden * config.HeadCount * config.HeadSize!.Value;
        Int128 feedForward = (config.Activation!.Value.IsGated() ? 3 : 2) * hidden * inner;
        return (vocabularySize * hidden) + (config.EncoderLayerCount * (attention + feedForward))
            + (config.DecoderLayerCount * ((2 * attention) + feedForward))
            + (2L * config.RelativeBuckets * config.HeadCount);
    }

    private static bool IsSame(Tensor left, Tensor right)
    {
        using var scope = NewDisposeScope();
        return left.shape.SequenceEqual(right.shape) && left.ne(right).count_nonzero().Number() == 0;
    }

    private static IEnumerable<(string Name, Tensor? View)> Views(T5Model model) =>
    [
        (Shared, model.Embedding.Weight),
        .. Views("encoder.", model.Encoder),
        .. Views("decoder.", model.Decoder),
        .. model.Output is null ? [] : WeightViews.Of("lm_head", model.Output),
    ];

    private static IEnumerable<(string Name, Tensor? View)> Views(string prefix, T5Model.Stack stack)
    {
        yield return ($"{prefix}block.0.layer.0.SelfAttention.relative_attention_bias.weight",
            stack.Positions.Biases.Weight);
        foreach ((int i, TransformerBlock block) in stack.Blocks.Index())
        {
            string at = $"{prefix}block.{i}.layer.";
            int last = block.CrossAttention is null ? 1 : 2;
            IEnumerable<(string Name, Tensor? View)> views =
            [
                .. Attention(at + "0.SelfAttention", block.Attention),
                .. WeightViews.Of(at + "0.layer_norm", block.AttentionNorm),
                .. block.CrossAttention is null ? [] : Attention(at + "1.EncDecAttention", block.CrossAttention),
                .. block.CrossNorm is null ? [] : WeightViews.Of(at + "1.layer_norm", block.CrossNorm),
                .. FeedForward($"{at}{last}.DenseReluDense", block.FeedForward),
                .. WeightViews.Of($"{at}{last}.layer_norm", block.FeedForwardNorm),
            ];
            foreach (var view in views)
                yield return view;
        }
        foreach (var view in WeightViews.Of(prefix + "final_layer_norm", stack.FinalNorm))
            yield return view;
    }

    private static IEnumerable<(string Name, Tensor? View)> Attention(string name, MultiHeadAttention layer) =>
        WeightViews.Of(layer, name + ".q", name + ".k", name + ".v", name + ".o");

    private static IEnumerable<(string Name, Tensor? View)> FeedForward(string name, FeedForward layer)
    {
        long inner = layer.Output.Weight.shape[1];
        return
        [
            .. layer.Activation.IsGated()
                ? [.. WeightViews.Rows(name + ".wi_0", layer.Input, 0, inner),
                    .. WeightViews.Rows(name + ".wi_1", layer.Input, inner, inner)]
                : WeightViews.Of(name + ".wi", layer.Input),
            .. WeightViews.Of(name + ".wo", layer.Output),
        ];
    }
}
