using System.Globalization;
using Atelier.Data.Text;
using Atelier.Decoding;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tokenizers;
using static TorchSharp.torch;

namespace Atelier.Models.Layers;

/// <summary>What bundles of all text families share, whatever learned them: how they are opened, and their card.</summary>
internal static class TextBundle
{
    /// <summary>Opens a bundle.</summary>
    /// <param name="bundle">The folder.</param>
    /// <param name="read">Makes the model of what config.json and the weights tell; it may not keep the weights.</param>
    /// <exception cref="AtelierException">The parts of the bundle do not fit together.</exception>
    public static TextGenerator Load(Bundle bundle, Func<ConfigFile, IReadOnlyDictionary<string, Tensor>, ILanguageModel> read)
    {
        ConfigFile config = ConfigFile.Read(bundle.ConfigPath);
        Tokenizer tokenizer = TokenizerFile.Load(bundle.TokenizerPath);
        if (tokenizer.VocabularySize != config.VocabularySize)
        {
            throw new AtelierException($"the model knows {config.VocabularySize} tokens, but the tokenizer has {tokenizer.VocabularySize}",
                bundle.Folder, "bring config.json and tokenizer.json of the same model together");
        }
        GenerationConfigFile generation = GenerationConfigFile.Read(bundle.GenerationConfigPath);
        int startId = StartId(bundle, config, tokenizer);
        IReadOnlyDictionary<string, Tensor> tensors = BundleTensors.Read(bundle);
        try
        {
            return new TextGenerator(read(config, tensors), tokenizer, generation.Decoding, startId);
        }
        finally
        {
            foreach (Tensor tensor in tensors.Values)
                tensor.Dispose();
        }
    }

    /// <summary>The token that a text begins after: what the bundle's files say, or else the end of text.</summary>
    /// <exception cref="AtelierException">The tokenizer has no such token.</exception>
    public static int StartId(Bundle bundle, ConfigFile config, Tokenizer tokenizer)
    {
        const string key = "bos_token_id";
        int startId = GenerationConfigFile.Read(bundle.GenerationConfigPath).StartId ?? config.Integer(key, tokenizer.EndOfTextId ?? 0);
        return startId >= 0 && startId < tokenizer.VocabularySize
            ? startId
            : throw new AtelierException($"{key} {startId} is not among the {tokenizer.VocabularySize} tokens", bundle.GenerationConfigPath,
                "name a token that the tokenizer has");
    }

    /// <summary>The model card, Markdown.</summary>
    /// <param name="recipe">What made the model.</param>
    /// <param name="text">What it learned from.</param>
    /// <param name="parameters">The numbers it holds: weights, or counts.</param>
    public static string Card(Recipe recipe, TextData text, long parameters) => string.Create(CultureInfo.InvariantCulture, $"""
        ---
        pipeline_tag: text-generation
        ---
        # {recipe.Name}

        {recipe.Description ?? $"A text model of the family {recipe.Model.Family}, trained from scratch."}

        | | |
        |---|---|
        | family | {recipe.Model.Family} |
        | parameters | {parameters} |
        | vocabulary | {text.Tokenizer.VocabularySize} ({text.Tokenizer.Kind}) |
        | trained on | {text.Facts.Source}, {text.Train.Count} tokens |
        | seed | {recipe.Seed} |

        It repeats what its training text says, right or wrong; judge its samples before you use them.

        """);
}
