using System.Globalization;
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
/// What bundles of all text families share, whatever learned them: how they are opened, and their card.
/// </summary>
public static class TextBundle
{
    /// <summary>Opens a bundle.</summary>
    /// <param name="bundle">The folder.</param>
    /// <param name="cancellation">Cancels loading between tensors.</param>
    /// <param name="read">Creates the model from config.json and the weights; it must not keep the weights.</param>
    /// <exception cref="AtelierException">The parts of the bundle do not fit together.</exception>
    public static TextGenerator Load(Bundle bundle, CancellationToken cancellation,
        Func<ConfigFile, IReadOnlyDictionary<string, Tensor>, ILanguageModel> read)
    {
        TextBundleFiles files = TextBundleFiles.Read(bundle.Folder);
        IReadOnlyDictionary<string, Tensor> tensors = BundleTensors.Read(bundle, cancellation);
        try
        {
            return new TextGenerator(read(files.Config, tensors), files.Tokenizer, files.Defaults,
                files.Bounds) { ChatTemplate = ChatTemplateFile.Read(bundle.Folder) };
        }
        finally
        {
            foreach (Tensor tensor in tensors.Values)
                tensor.Dispose();
        }
    }

    /// <summary>The model card, Markdown.</summary>
    /// <param name="recipe">What made the model.</param>
    /// <param name="text">What it learned from.</param>
    /// <param name="parameters">The numbers it holds: weights, or counts.</param>
    public static string Card(Recipe recipe, TextData text, long parameters) => string.Create(
        CultureInfo.InvariantCulture, $"""
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
        | trained on | {SourceFiles.PublicName(text.Facts.Source)}, {Quantity.Of(text.Train.Count, "token")} |
        | seed | {recipe.Seed} |

        It repeats what its training text says, right or wrong; judge its samples before you use them.

        """);
}
