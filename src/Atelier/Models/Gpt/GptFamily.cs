using Atelier.Formats;
using Atelier.Networks;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks.Text;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Models.Gpt;

/// <summary>Causal Transformers in GPT-2's and Llama's shapes.</summary>
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
        // A file may have biases in one half of its blocks alone: the other's are zeros then.
        bool hasAllBiases = read.AttentionBias == read.FeedForwardBias;
        Int128 claimed = GptWeights.ParameterCount(hasAllBiases ? shape : shape with { Bias = false },
            config.VocabularySize), held = tensors.Values.Sum(t => t.numel());
        if (config.VocabularySize < 1 || claimed > held)
            throw new AtelierException($"holds {held} weights, but config.json tells a shape of {claimed}",
                where, "fetch or export the model again");
        var model = new GptModel(shape, config.VocabularySize, Precision.Fp32, seed: 0,
            scaling: DecoderConfigFile.ReadScaling(config));
        try
        {
            GptWeights.Import(model, tensors, where, name => !hasAllBiases && name.EndsWith(".bias",
                StringComparison.Ordinal) && name.Contains(".mlp.", StringComparison.Ordinal) != read.FeedForwardBias);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }
}
