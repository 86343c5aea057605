using System.Globalization;
using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Data.Pairs;
using Atelier.Exchange;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Networks;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tokenizers;

namespace Atelier.Tasks.Pairs;

/// <summary>
/// Reads and writes what the bundles of all sequence-to-sequence families hold besides the network, and writes their
/// model card.
/// </summary>
internal static class PairBundle
{
    private const string TokenizerName = "tokenizer.json";

    /// <summary>Opens the tokenizers and the decoding options of a bundle.</summary>
    /// <param name="folder">The folder of the bundle.</param>
    /// <param name="config">Its config.json.</param>
    /// <param name="model">The network; disposed if the files do not match it.</param>
    /// <param name="ends">The special tokens.</param>
    /// <exception cref="AtelierException">A file is missing or damaged, or does not match the network.</exception>
    public static SequenceToSequenceGenerator Open(string folder, ConfigFile config, SequenceToSequenceModel model,
        SequenceEnds ends)
    {
        try
        {
            (Tokenizer source, Tokenizer target) = SequenceToSequenceFile.ReadTokenizers(folder);
            return Generator(model, source, target, SequenceToSequenceFile.ReadDefaults(folder, config), ends);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Creates the generator of a model.</summary>
    public static SequenceToSequenceGenerator Generator(ISequenceToSequenceModel model, Tokenizer source,
        Tokenizer target, DecodingOptions defaults, SequenceEnds ends) => new(model, source, target, defaults,
            new SequenceToSequenceTokens(ends.StartId, [ends.EndId])
            {
                SourceEndIds = ends.EndsSource ? [ends.SourceEndId] : [],
                SourcePrefix = ends.SourcePrefix,
            });

    /// <summary>Reads the text before every source.</summary>
    /// <exception cref="AtelierException">It is not a text.</exception>
    public static string ReadPrefix(ConfigFile config) => config.String(EncoderDecoderConfigFile.Prefix, "");

    /// <summary>Adds the text before every source to the text of a config.json.</summary>
    public static string WithPrefix(string config, string prefix)
    {
        if (prefix.Length == 0)
            return config;
        JsonObject root = JsonNode.Parse(config)!.AsObject();
        root[EncoderDecoderConfigFile.Prefix] = prefix;
        return ConfigRecords.Write(root);
    }

    /// <summary>Writes the tokenizers and generation_config.json.</summary>
    public static void WriteTokens(string folder, Tokenizer source, Tokenizer target, DecodingOptions decoding,
        SequenceEnds ends)
    {
        source.Save(Path.Combine(folder, TokenizerName));
        if (!ReferenceEquals(source, target))
            target.Save(Path.Combine(folder, SequenceToSequenceFile.TargetTokenizerName));
        new GenerationConfigFile(decoding, ends.StartId, [ends.EndId])
            .Write(Path.Combine(folder, Bundle.GenerationConfigName));
    }

    /// <summary>Returns the model card, in Markdown.</summary>
    /// <param name="recipe">The recipe of the model.</param>
    /// <param name="data">The training data.</param>
    /// <param name="parameters">The number of weights in the model.</param>
    public static string Card(Recipe recipe, PairData data, long parameters)
    {
        string vocabulary = $"{data.TargetTokenizer.VocabularySize} ({data.TargetTokenizer.Kind})";
        if (!ReferenceEquals(data.SourceTokenizer, data.TargetTokenizer))
            vocabulary = $"{data.SourceTokenizer.VocabularySize} of sources, {vocabulary} of targets";
        return string.Create(CultureInfo.InvariantCulture, $"""
            ---
            pipeline_tag: text2text-generation
            ---
            # {recipe.Name}

            {recipe.Description ?? $"A model from text to text of the family {recipe.Model.Family}, "
                + $"{StartingWeights.Origin(recipe)}."}

            | | |
            |---|---|
            | family | {recipe.Model.Family} |
            | parameters | {parameters} |
            | vocabulary | {vocabulary} |
            | trained on | {SourceFiles.PublicName(data.Facts.Source)}, {Quantity.Of(data.Train.Count, "pair")} |
            | seed | {recipe.Seed} |{StartingWeights.CardRows(recipe)}

            It writes what resembles the targets that it has seen, right or wrong; check what it says before you use
            it.

            """);
    }
}
