using Atelier.Data.Pairs;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Tasks.Pairs;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Models.Seq2Seq;

/// <summary>The family of recurrent encoders and decoders with attention.</summary>
public sealed class Seq2SeqFamily : PairFamily<Seq2SeqConfig, Seq2SeqModel>
{
    private const string ModelType = "atelier_seq2seq";

    /// <inheritdoc/>
    public override string Name => "seq2seq";

    /// <inheritdoc/>
    public override string Description => "a recurrent encoder and decoder with attention, from text to text";

    /// <inheritdoc/>
    public override IReadOnlyList<string> ModelTypes => [ModelType];

    /// <inheritdoc/>
    public override IReadOnlyList<RecipeVariant> Variants(ITask task, Recipe advised)
    {
        return RecipeVariant.Grid([Size(128), Size(256)], 1e-3, 3e-3);

        static RecipeVariant Size(int width) =>
            new($"1 + 1 × {width}", [$"model.hiddenSize={width}", $"model.embeddingSize={width}"]);
    }

    /// <inheritdoc/>
    protected override Seq2SeqModel Create(Seq2SeqConfig config, int? sourceVocabularySize, int vocabularySize,
        Recipe recipe) => new(config, sourceVocabularySize, vocabularySize, recipe.Training.ChosenPrecision,
            recipe.Seed, recipe.Training.LabelSmoothing);

    /// <inheritdoc/>
    protected override Seq2SeqConfig ReadConfig(ConfigFile file) => PairConfigFile.Read<Seq2SeqConfig>(file).Config;

    /// <inheritdoc/>
    protected override string ConfigText(Seq2SeqModel model, SequenceEnds ends) =>
        PairConfigFile.Write(ModelType, model, model.SharesEmbedding, ends, model.Config);

    /// <inheritdoc/>
    protected override SequenceEnds ReadEnds(ConfigFile config) => PairConfigFile.ReadEnds(config);

    /// <inheritdoc/>
    protected override Seq2SeqModel Read(ConfigFile config, IReadOnlyDictionary<string, Tensor> tensors, string where)
    {
        (Seq2SeqConfig shape, int? sources, int vocabulary) = PairConfigFile.Read<Seq2SeqConfig>(config);
        BundleTensors.CheckCount(tensors, shape.ParameterCount((long)vocabulary + (sources ?? 0), vocabulary), where,
            vocabulary > 0 && sources is null or > 0);
        return BundleTensors.Fill(new Seq2SeqModel(shape, sources, vocabulary, Precision.Fp32, seed: 0), tensors,
            where);
    }
}
