using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Data.Text;
using Atelier.Exchange;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Generation.Chat;
using Atelier.Recipes;
using Atelier.Runs;
using static TorchSharp.torch;

namespace Atelier.Tasks.Text;

/// <summary>
/// Opens the bundles of all text families, and writes their model card, however the model was trained.
/// </summary>
public static class TextBundle
{
    // The matrices with a row for each token, in the files of GPT-2 and Llama.
    private static readonly string[] TokenRows = ["wte.weight", "embed_tokens.weight", "lm_head.weight"];

    /// <summary>Returns the data that a model that continues text is to be trained on.</summary>
    /// <param name="family">The name of the family.</param>
    /// <param name="recipe">The recipe.</param>
    /// <param name="data">The data.</param>
    /// <exception cref="AtelierException">They are not text, or no such model can have their tokenizer.</exception>
    internal static TextData DataOf(string family, Recipe recipe, IDataSource data)
    {
        if (data is not TextData text)
            throw new AtelierException($"the family {family} trains on text", "data.source",
                "use text, or another family");
        try
        {
            TextBundleFiles.CheckTokenizer(text.TokenizerPath, text.Facts.StartId);
        }
        catch (AtelierException e)
        {
            throw e.At(recipe.Data.Tokenizer.File ?? "data.tokenizer.kind");
        }
        return text;
    }

    /// <summary>Opens a bundle.</summary>
    /// <param name="bundle">The bundle.</param>
    /// <param name="cancellation">Cancels loading between tensors.</param>
    /// <param name="read">Creates the model from config.json and the weights, which are disposed afterwards.</param>
    /// <exception cref="AtelierException">The files of the bundle do not match each other.</exception>
    public static TextGenerator Load(Bundle bundle, CancellationToken cancellation,
        Func<ConfigFile, IReadOnlyDictionary<string, Tensor>, ILanguageModel> read)
    {
        TextBundleFiles files = TextBundleFiles.Read(bundle.Folder);
        return BundleTensors.Use(bundle,
            tensors => new TextGenerator(ReadTokens(files, tensors, read), files.Tokenizer, files.Defaults,
                files.Bounds)
            {
                ChatTemplate = ChatTemplateFile.Read(bundle.Folder),
            }, cancellation);
    }

    /// <summary>Creates the model without the tokens of a padded vocabulary that the tokenizer does not have.</summary>
    private static ILanguageModel ReadTokens(TextBundleFiles files, IReadOnlyDictionary<string, Tensor> tensors,
        Func<ConfigFile, IReadOnlyDictionary<string, Tensor>, ILanguageModel> read)
    {
        int padded = files.Config.VocabularySize, tokens = files.Tokenizer.VocabularySize;
        if (padded == tokens)
            return read(files.Config, tensors);
        JsonObject config = JsonNode.Parse(files.Config.Root.GetRawText())!.AsObject();
        config["vocab_size"] = tokens;
        using JsonDocument document = JsonDocument.Parse(config.ToJsonString());
        using var scope = NewDisposeScope();
        var trimmed = tensors.ToDictionary(pair => pair.Key, pair =>
            TokenRows.Any(name => pair.Key.EndsWith(name, StringComparison.Ordinal)) && pair.Value.shape[0] == padded
            ? pair.Value.narrow(0, 0, tokens) : pair.Value.alias());
        return read(new ConfigFile(files.Config.Path, document.RootElement.Clone()), trimmed);
    }

    /// <summary>Returns the model card, in Markdown.</summary>
    /// <param name="recipe">The recipe of the model.</param>
    /// <param name="text">The training data.</param>
    /// <param name="parameters">The number of weights or counts in the model.</param>
    /// <param name="pipeline">What Hugging Face's tools call the use of the model.</param>
    public static string Card(Recipe recipe, TextData text, long parameters, string pipeline = "text-generation") =>
        string.Create(CultureInfo.InvariantCulture, $"""
        ---
        pipeline_tag: {pipeline}
        ---
        # {recipe.Name}

        {recipe.Description ?? $"A text model of the family {recipe.Model.Family}, {StartingWeights.Origin(recipe)}."}

        | | |
        |---|---|
        | family | {recipe.Model.Family} |
        | parameters | {parameters} |
        | vocabulary | {text.Tokenizer.VocabularySize} ({text.Tokenizer.Kind}) |
        | trained on | {SourceFiles.PublicName(text.Facts.Source)}, {Quantity.Of(text.Train.Count, "token")} |
        | seed | {recipe.Seed} |{StartingWeights.CardRows(recipe)}

        It repeats what its training text says, right or wrong; judge its samples before you use them.

        """);
}
