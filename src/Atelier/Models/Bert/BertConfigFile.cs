using System.Globalization;
using System.Text.Json.Nodes;
using Atelier.Formats;
using Atelier.Networks;
using Atelier.Recipes;
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

    private const int MostLabels = 1 << 20;

    // our own keys: for tokenizers without a mask token, and for the column of CoNLL-U files that holds the tags
    private const string Mask = "mask_token_id", Column = "tag_column";

    private const string Tagger = "ForTokenClassification", Classifier = "ForSequenceClassification";
    private const string Names = "id2label", Numbers = "label2id", Problem = "problem_type";
    private const string SingleLabel = "single_label_classification";

    /// <summary>Formats the configuration of a model and its special tokens as the text of config.json.</summary>
    public static string Write(BertModel model, MaskedTokens tokens) =>
        ConfigRecords.Write(Write(model, tokens, model.PredictsTokens ? "ForMaskedLM" : "Model"));

    /// <summary>Formats the configuration of a model with a head as the text of config.json.</summary>
    public static string Write(BertClassifier model, MaskedTokens tokens, TagColumn column)
    {
        bool tags = model.Head == BertHead.Tagging;
        JsonObject root = Write(model.Encoder, tokens, tags ? Tagger : Classifier);
        root[Names] = new JsonObject(model.Labels.Select((label, i) =>
            KeyValuePair.Create<string, JsonNode?>(i.ToString(CultureInfo.InvariantCulture), label)));
        root[Numbers] = new JsonObject(model.Labels.Select((label, i) =>
            KeyValuePair.Create<string, JsonNode?>(label, i)));
        if (!tags)
            root[Problem] = SingleLabel;
        else if (column != TagColumn.Upos)
            root[Column] = RecipeNames.Value(column);
        return ConfigRecords.Write(root);
    }

    private static JsonObject Write(BertModel model, MaskedTokens tokens, string kind)
    {
        BertConfig config = model.Config;
        bool isRoberta = config.Layout == BertLayout.Roberta;
        return new JsonObject
        {
            ["model_type"] = isRoberta ? Roberta : Bert,
            ["architectures"] = new JsonArray((isRoberta ? "Roberta" : "Bert") + kind),
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
        };
    }

    /// <summary>Returns the head that a config.json names; null if it predicts tokens or has none.</summary>
    public static BertHead? HeadOf(ConfigFile file)
    {
        foreach (string name in file.Strings("architectures") ?? [])
        {
            if (name.EndsWith(Tagger, StringComparison.Ordinal))
                return BertHead.Tagging;
            if (name.EndsWith(Classifier, StringComparison.Ordinal))
                return BertHead.Classification;
        }
        return null;
    }

    /// <summary>Reads the labels of a head.</summary>
    /// <exception cref="AtelierException">The labels are not numbered from 0, occur twice, or contradict each other, or
    /// the head does not choose one label of several.</exception>
    public static IReadOnlyList<string> ReadLabels(ConfigFile file)
    {
        AtelierException Wrong(string what) => new(what, file.Path, "download or export the model again");
        string problem = file.String(Problem, SingleLabel);
        if (problem != SingleLabel)
            throw Wrong($"{Problem} '{problem}' is not supported, only {SingleLabel}");
        // two labels without names are Hugging Face's default
        ConfigFile? names = file.Section(Names);
        int count = names?.Root.EnumerateObject().Count() ?? file.Integer("num_labels", 2);
        if (names is null && count is < 2 or > MostLabels)
            throw Wrong($"num_labels is {count}; a head needs 2 to {MostLabels} labels");
        string[] labels = [.. Enumerable.Range(0, count).Select(i => i.ToString(CultureInfo.InvariantCulture))
            .Select(key => names is null ? $"LABEL_{key}" : names.String(key, ""))];
        if (labels.Any(label => label.Length == 0) || labels.Distinct().Count() < count || count < 2)
            throw Wrong($"{Names} must name at least two different labels, numbered from 0");
        if (file.Section(Numbers) is { } numbers && (numbers.Root.EnumerateObject().Count() != count
            || labels.Index().Any(label => numbers.Integer(label.Item, -1) != label.Index)))
            throw Wrong($"{Numbers} contradicts {Names}");
        return labels;
    }

    /// <summary>Reads the column of CoNLL-U files that the tags belong to.</summary>
    public static TagColumn ReadColumn(ConfigFile file) =>
        file.String(Column, "") == RecipeNames.Value(TagColumn.Xpos) ? TagColumn.Xpos : TagColumn.Upos;

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
