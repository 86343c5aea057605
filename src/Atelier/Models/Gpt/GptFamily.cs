using Atelier.Formats;
using Atelier.Networks;
using Atelier.Recipes;
using Atelier.Runs;
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
