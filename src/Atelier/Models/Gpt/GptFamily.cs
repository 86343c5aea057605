using Atelier.Formats;
using Atelier.Networks;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Tasks.Conversations;
using Atelier.Tasks.Text;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Models.Gpt;

/// <summary>The family of causal Transformers with the architectures of GPT-2 and Llama.</summary>
public sealed class GptFamily : TextFamily<GptConfig, GptModel>
{
    /// <inheritdoc/>
    public override string Name => "gpt";

    /// <inheritdoc/>
    public override string Description => "a causal Transformer for text, in GPT-2's or Llama's shape";

    /// <inheritdoc/>
    public override IReadOnlyList<string> ModelTypes => [GptConfigFile.Gpt2, GptConfigFile.Llama, GptConfigFile.Own];

    /// <inheritdoc/>
    public override IReadOnlyList<ITask> Tasks { get; } = [new TextTask(), new ConversationTask()];

    /// <inheritdoc/>
    public override IReadOnlyList<RecipeVariant> Variants(ITask task, Recipe advised)
    {
        var shape = (GptConfig?)advised.Model.Config ?? new GptConfig();
        RecipeVariant[] sizes =
        [
            Size(shape.LayerCount, shape.HiddenSize), Size(Math.Max(1, shape.LayerCount / 2), shape.HiddenSize / 2),
            Size(shape.LayerCount + 2, 3 * shape.HiddenSize / 2),
        ];
        return RecipeVariant.Grid(sizes, 1e-3, 3e-3);

        RecipeVariant Size(int layers, int width) =>
            new($"{layers} × {width}", [$"model.layerCount={layers}", $"model.hiddenSize={Rounded(width)}"]);

        int Rounded(int width) => Math.Max(1, width / shape.HeadCount) * shape.HeadCount;
    }

    /// <inheritdoc/>
    protected override GptModel Create(GptConfig config, int vocabularySize, Recipe recipe) =>
        new(config, vocabularySize, recipe.Training.ChosenPrecision, recipe.Seed, recipe.Training.LabelSmoothing);

    /// <inheritdoc/>
    protected override GptModel Create(GptConfig config, int vocabularySize, Recipe recipe, ConfigFile start) =>
        new(config, vocabularySize, recipe.Training.ChosenPrecision, recipe.Seed, recipe.Training.LabelSmoothing,
            DecoderConfigFile.ReadScaling(start));

    /// <inheritdoc/>
    protected override GptConfig ReadConfig(ConfigFile file) => GptConfigFile.Read(file);

    /// <inheritdoc/>
    protected override int TrainingContext(GptConfig config) => config.ContextLength;

    /// <inheritdoc/>
    protected override string ConfigText(GptModel model) => GptConfigFile.Write(model);

    /// <inheritdoc/>
    protected override IReadOnlyDictionary<string, Tensor> Weights(GptModel model) => GptWeights.Export(model);

    /// <inheritdoc/>
    protected override GptModel Read(ConfigFile config, IReadOnlyDictionary<string, Tensor> tensors, string where)
    {
        GptConfig shape = GptConfigFile.Read(config);
        DecoderConfig read = DecoderConfigFile.Read(config);
        // A file may have biases only in attention or only in the feed-forward layers: the others are then zeros.
        bool hasAllBiases = read.AttentionBias == read.FeedForwardBias;
        GptConfig smallest = hasAllBiases ? shape : shape with { Bias = false };
        BundleTensors.CheckCount(tensors, GptWeights.ParameterCount(smallest, config.VocabularySize), where,
            config.VocabularySize > 0);
        var model = new GptModel(shape, config.VocabularySize, Precision.Fp32, seed: 0,
            scaling: DecoderConfigFile.ReadScaling(config));
        return BundleTensors.Fill(model, () => GptWeights.Import(model, tensors, where, IsZeroBias));

        bool IsZeroBias(string name) => !hasAllBiases && name.EndsWith(".bias", StringComparison.Ordinal)
            && name.Contains(".mlp.", StringComparison.Ordinal) != read.FeedForwardBias;
    }
}
