using System.Globalization;
using System.Runtime.InteropServices;
using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Data.Text;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Tasks.Text;
using Atelier.Training;
using static TorchSharp.torch;

namespace Atelier.Models.Ngram;

/// <summary>N-gram models, learned by counting: the baseline of every other text model.</summary>
public sealed class NgramFamily : IModelFamily, ITextBaseline
{
    private const string ModelType = "atelier_ngram";

    /// <inheritdoc/>
    public string Name => "ngram";

    /// <inheritdoc/>
    public string Description => "n-gram counts with interpolated Witten-Bell or Kneser-Ney smoothing: a baseline for "
        + "text";

    /// <inheritdoc/>
    public IReadOnlyList<ITask> Tasks { get; } = [new TextTask()];

    /// <inheritdoc/>
    public bool TakesSteps => false;

    /// <inheritdoc/>
    public Type ConfigType => typeof(NgramConfig);

    /// <inheritdoc/>
    public IReadOnlyList<RecipeVariant> Variants(ITask task, Recipe advised) =>
    [
        new("order 4", ["model.order=4"]), new("order 5", ["model.order=5"]),
        new("order 6, Kneser-Ney", ["model.order=6", "model.smoothing=kneserNey"]),
        new("order 8, Kneser-Ney", ["model.order=8", "model.smoothing=kneserNey"]),
    ];

    /// <inheritdoc/>
    public IReadOnlyList<string> ModelTypes => [ModelType];

    /// <inheritdoc/>
    public ILearner CreateLearner(Recipe recipe, IDataSource data) =>
        new NgramLearner(recipe, TextBundle.DataOf(Name, recipe, data));

    /// <inheritdoc/>
    public string BaselineName(EvaluationSection options) =>
        string.Create(CultureInfo.InvariantCulture, $"ngram{options.BaselineOrder}");

    /// <inheritdoc/>
    public bool IsBaseline(ILanguageModel model, EvaluationSection options) =>
        model is NgramModel ngram && ngram.Config == BaselineConfig(options);

    /// <inheritdoc/>
    public ILanguageModel FitBaseline(TextData data, EvaluationSection options, CancellationToken cancellation) =>
        NgramModel.Count(data.Train, BaselineConfig(options), data.Tokenizer.VocabularySize, data.Facts.StartId,
            cancellation);

    private static NgramConfig BaselineConfig(EvaluationSection options) => new() { Order = options.BaselineOrder };

    /// <inheritdoc/>
    public ITrainedModel Load(Bundle bundle, string device, CancellationToken cancellation = default) =>
        TextBundle.Load(bundle, cancellation, (config, tensors) =>
    {
        int[] Array(string name) => tensors.TryGetValue(name, out Tensor? tensor) && tensor.dtype == ScalarType.Int32
            ? MemoryMarshal.Cast<byte, int>(tensor.bytes).ToArray()
            : throw new AtelierException($"the tensor {name} is missing or does not hold 32-bit integers",
                bundle.WeightsPath,
                "export the model again");
        try
        {
            var trie = new NgramTrie(Array("tokens"), Array("counts"), Array("first_child"));
            return new NgramModel(trie, config.Check(config.Read<NgramConfig>()), config.VocabularySize);
        }
        catch (AtelierException e) when (e.Where is null)
        {
            throw e.At(bundle.WeightsPath);
        }
    });

    /// <summary>Writes a model as a bundle.</summary>
    internal static void Write(string folder, NgramModel model, Recipe recipe, TextData text)
    {
        using var scope = NewDisposeScope();
        BundleWriter.Write(
            folder,
            ConfigRecords.Write(ModelType, model.VocabularySize, model.Config),
            new Dictionary<string, Tensor>
            {
                ["tokens"] = tensor(model.Trie.Tokens, ScalarType.Int32),
                ["counts"] = tensor(model.Trie.Counts, ScalarType.Int32),
                ["first_child"] = tensor(model.Trie.FirstChild, ScalarType.Int32),
            },
            text.Tokenizer, recipe.Generation.Decoding, text.Facts.StartId,
                TextBundle.Card(recipe, text, model.Trie.Tokens.Length));
    }
}
