using Atelier.Data.Pairs;
using Atelier.Formats;
using Atelier.Networks;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Tasks.Pairs;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Models.Transformer;

/// <summary>The family of encoder-decoder Transformers with the architectures of Marian and BART.</summary>
public sealed class TransformerFamily : PairFamily<TransformerConfig, TransformerModel>
{
    /// <inheritdoc/>
    public override string Name => "transformer";

    /// <inheritdoc/>
    public override string Description => "an encoder-decoder Transformer from text to text, as for translation";

    /// <inheritdoc/>
    public override IReadOnlyList<string> ModelTypes =>
        [EncoderDecoderConfigFile.Marian, EncoderDecoderConfigFile.Bart, EncoderDecoderConfigFile.Own];

    /// <inheritdoc/>
    public override IReadOnlyList<RecipeVariant> Variants(ITask task, Recipe advised)
    {
        return RecipeVariant.Grid([Size(3, 128), Size(2, 96)], 1e-3, 3e-3);

        static RecipeVariant Size(int layers, int width) => new($"{layers} + {layers} × {width}",
            [
                $"model.encoderLayerCount={layers}", $"model.decoderLayerCount={layers}", $"model.hiddenSize={width}",
            ]);
    }

    /// <inheritdoc/>
    protected override TransformerModel Create(TransformerConfig config, int? sourceVocabularySize,
        int vocabularySize, Recipe recipe) => new(config, sourceVocabularySize, vocabularySize,
            recipe.Training.ChosenPrecision, recipe.Seed, recipe.Training.LabelSmoothing);

    /// <inheritdoc/>
    protected override TransformerConfig ReadConfig(ConfigFile file) => TransformerConfigFile.Read(file).Config;

    /// <inheritdoc/>
    protected override string ConfigText(TransformerModel model, SequenceEnds ends) =>
        TransformerConfigFile.Write(model, ends);

    /// <inheritdoc/>
    protected override SequenceEnds ReadEnds(ConfigFile config) => PairConfigFile.ReadEnds(config);

    /// <inheritdoc/>
    protected override IReadOnlyDictionary<string, Tensor> Weights(TransformerModel model) =>
        TransformerWeights.Export(model);

    /// <inheritdoc/>
    protected override TransformerModel Read(ConfigFile config, IReadOnlyDictionary<string, Tensor> tensors,
        string where)
    {
        (TransformerConfig shape, int? sources, int vocabulary) = TransformerConfigFile.Read(config);
        BundleTensors.CheckCount(tensors,
            TransformerWeights.ParameterCount(shape, (long)vocabulary + (sources ?? 0)), where,
            vocabulary > 0 && sources is null or > 0);
        var model = new TransformerModel(shape, sources, vocabulary, Precision.Fp32, seed: 0);
        return BundleTensors.Fill(model, () => TransformerWeights.Import(model, tensors, where));
    }
}
