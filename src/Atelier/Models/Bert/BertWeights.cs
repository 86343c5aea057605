using Atelier.Layers;
using Atelier.Runs;
using static TorchSharp.torch;

namespace Atelier.Models.Bert;

/// <summary>
/// Exports and imports the weights of a BERT under the names of Hugging Face's BertForMaskedLM and RobertaForMaskedLM,
/// or of BertModel and RobertaModel, which have no head and no prefix.
/// </summary>
internal static class BertWeights
{
    // the two names of a norm's weight and bias in files made from Google's first checkpoints
    private static readonly (string Name, string Older)[] OlderNames = [(".weight", ".gamma"), (".bias", ".beta")];

    /// <summary>
    /// Copies the weights to contiguous tensors on the CPU, which belong to the caller's dispose scope.
    /// </summary>
    public static IReadOnlyDictionary<string, Tensor> Export(BertModel model) => WeightViews.Copy(
        Views(model, model.PredictsTokens ? Prefix(model) : ""));

    /// <inheritdoc cref="Export(BertModel)"/>
    public static IReadOnlyDictionary<string, Tensor> Export(BertClassifier model) =>
        WeightViews.Copy(Views(model, Prefix(model.Encoder)));

    /// <summary>Returns the weights under their published names.</summary>
    public static IEnumerable<(string Name, Tensor View)> Views(BertModel model) =>
        Views(model, model.PredictsTokens ? Prefix(model) : "").Select(view => (view.Name, view.View!));

    /// <inheritdoc cref="Views(BertModel)"/>
    public static IEnumerable<(string Name, Tensor View)> Views(BertClassifier model) =>
        Views(model, Prefix(model.Encoder)).Select(view => (view.Name, view.View!));

    /// <summary>The name of the layer that computes the logits of labels.</summary>
    public static string ClassifierName(BertLayout layout, BertHead head) =>
        layout == BertLayout.Roberta && head == BertHead.Classification ? "classifier.out_proj" : "classifier";

    /// <summary>Copies tensors of any floating-point type into the weights of a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tensors">The tensors by name.</param>
    /// <param name="where">The path of their file, for error messages.</param>
    /// <exception cref="AtelierException">A tensor is missing, unexpected, or has the wrong shape.</exception>
    public static void Import(BertModel model, IReadOnlyDictionary<string, Tensor> tensors, string where) =>
        Import(model, prefix => Views(model, prefix), tensors, where);

    /// <inheritdoc cref="Import(BertModel, IReadOnlyDictionary{string, Tensor}, string)"/>
    public static void Import(BertClassifier model, IReadOnlyDictionary<string, Tensor> tensors, string where) =>
        Import(model.Encoder, prefix => Views(model, prefix), tensors, where);

    private static void Import(BertModel model, Func<string, IEnumerable<(string Name, Tensor? View)>> views,
        IReadOnlyDictionary<string, Tensor> tensors, string where)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        string prefix = Prefix(model);
        if (!tensors.Keys.Any(name => name.StartsWith(prefix, StringComparison.Ordinal)))
            prefix = "";
        BundleTensors.CopyTo(views(prefix).Select(view => (NameInFile(view.Name), view.View)).ToList(), tensors,
            name => IsIgnored(name, model), where);

        string NameInFile(string name)
        {
            foreach ((string end, string older) in OlderNames)
            {
                if (name.EndsWith("LayerNorm" + end, StringComparison.Ordinal) && !tensors.ContainsKey(name)
                    && tensors.ContainsKey(name[..^end.Length] + older))
                    return name[..^end.Length] + older;
            }
            return name;
        }
    }

    /// <summary>Returns whether tensors have the head that predicts tokens, and whether they have a pooler.</summary>
    public static (bool Head, bool Pooler) PartsOf(IReadOnlyDictionary<string, Tensor> tensors) =>
        (tensors.ContainsKey("cls.predictions.transform.dense.weight") || tensors.ContainsKey("lm_head.dense.weight"),
            tensors.Keys.Any(name => name.EndsWith("pooler.dense.weight", StringComparison.Ordinal)));

    /// <summary>Computes the least number of weights of a configuration, to refuse files with fewer.</summary>
    public static Int128 ParameterCount(BertConfig config, long vocabularySize, long padId)
    {
        Int128 hidden = config.HiddenSize, inner = config.FeedForwardSize!.Value;
        long positions = config.ContextLength + (config.Layout == BertLayout.Roberta ? padId + 1 : 0);
        Int128 embeddings = (vocabularySize + positions + config.TypeCount!.Value) * hidden;
        return embeddings + (config.LayerCount * ((4 * hidden * hidden) + (2 * hidden * inner)));
    }

    // Constants that older versions of Hugging Face's library stored, copies of tied weights and of the head's bias,
    // the head for whether two sentences follow one another, and a pooler that a tagger does not use.
    private static bool IsIgnored(string name, BertModel model) =>
        name.EndsWith("embeddings.position_ids", StringComparison.Ordinal)
        || name.EndsWith("embeddings.token_type_ids", StringComparison.Ordinal)
        || name.StartsWith("cls.seq_relationship.", StringComparison.Ordinal)
        || (model is { Pooler: null, MaskedHead: null }
            && name.Contains("pooler.dense.", StringComparison.Ordinal))
        || name is "cls.predictions.decoder.bias" or "lm_head.decoder.bias"
        || (name is "cls.predictions.decoder.weight" or "lm_head.decoder.weight" && model.MaskedHead?.Decoder is null);

    private static string Prefix(BertModel model) =>
        model.Config.Layout == BertLayout.Roberta ? "roberta." : "bert.";

    private static IEnumerable<(string Name, Tensor? View)> Views(BertClassifier model, string prefix)
    {
        string name = ClassifierName(model.Encoder.Config.Layout, model.Head);
        // RoBERTa's pooler is a part of its head
        string pooler = name == "classifier" ? prefix + "pooler.dense" : "classifier.dense";
        return [.. Views(model.Encoder, prefix, pooler), .. WeightViews.Of(name, model.Classifier)];
    }

    private static IEnumerable<(string Name, Tensor? View)> Views(BertModel model, string prefix, string? pooler = null)
    {
        string embeddings = prefix + "embeddings.";
        return
        [
            (embeddings + "word_embeddings.weight", model.Tokens.Weight),
            (embeddings + "position_embeddings.weight", model.Positions.Weight),
            (embeddings + "token_type_embeddings.weight", model.Types.Weight),
            .. WeightViews.Of(embeddings + "LayerNorm", model.EmbeddingNorm),
            .. model.Blocks.Index().SelectMany(block => Views(block.Item, $"{prefix}encoder.layer.{block.Index}.")),
            .. model.Pooler is null ? [] : WeightViews.Of(pooler ?? prefix + "pooler.dense", model.Pooler),
            .. model.MaskedHead is null ? [] : Views(model.MaskedHead, model.Config.Layout),
        ];
    }

    private static IEnumerable<(string Name, Tensor? View)> Views(TransformerBlock block, string prefix) =>
    [
        .. WeightViews.Of(block.Attention, prefix + "attention.self.query", prefix + "attention.self.key",
            prefix + "attention.self.value", prefix + "attention.output.dense"),
        .. WeightViews.Of(prefix + "attention.output.LayerNorm", block.AttentionNorm),
        .. WeightViews.Of(prefix + "intermediate.dense", block.FeedForward.Input),
        .. WeightViews.Of(prefix + "output.dense", block.FeedForward.Output),
        .. WeightViews.Of(prefix + "output.LayerNorm", block.FeedForwardNorm),
    ];

    private static IEnumerable<(string Name, Tensor? View)> Views(BertModel.Prediction head, BertLayout layout)
    {
        bool isRoberta = layout == BertLayout.Roberta;
        string prefix = isRoberta ? "lm_head." : "cls.predictions.", inner = isRoberta ? prefix : prefix + "transform.";
        return
        [
            .. WeightViews.Of(inner + "dense", head.Dense),
            .. WeightViews.Of(inner + (isRoberta ? "layer_norm" : "LayerNorm"), head.Norm),
            (prefix + "bias", head.Bias),
            .. head.Decoder is null ? [] : WeightViews.Of(prefix + "decoder", head.Decoder),
        ];
    }
}
