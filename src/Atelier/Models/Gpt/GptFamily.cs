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
        Int128 claimed = GptWeights.ParameterCount(smallest, config.VocabularySize);
        Int128 held = tensors.Values.Sum(t => t.numel());
        if (config.VocabularySize < 1 || claimed > held)
            throw new AtelierException($"holds {held} weights, but config.json describes {claimed}",
                where, "download or export the model again");
        var model = new GptModel(shape, config.VocabularySize, Precision.Fp32, seed: 0,
            scaling: DecoderConfigFile.ReadScaling(config));
        try
        {
            GptWeights.Import(model, tensors, where, IsZeroBias);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }

        bool IsZeroBias(string name) => !hasAllBiases && name.EndsWith(".bias", StringComparison.Ordinal)
            && name.Contains(".mlp.", StringComparison.Ordinal) != read.FeedForwardBias;
    }
}
