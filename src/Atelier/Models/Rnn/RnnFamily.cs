using Atelier.Formats;
using Atelier.Networks;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Tasks.Text;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Models.Rnn;

/// <summary>The family of recurrent language models with plain, LSTM or GRU cells.</summary>
public sealed class RnnFamily : TextFamily<RnnConfig, RnnModel>
{
    private const string ModelType = "atelier_rnn";

    /// <inheritdoc/>
    public override string Name => "rnn";

    /// <inheritdoc/>
    public override string Description => "a recurrent network for text: plain, LSTM or GRU cells";

    /// <inheritdoc/>
    public override IReadOnlyList<string> ModelTypes => [ModelType];

    /// <inheritdoc/>
    public override IReadOnlyList<RecipeVariant> Variants(ITask task, Recipe advised)
    {
        return RecipeVariant.Grid([Size(128), Size(256), Size(512)], 2e-3, 5e-3);

        static RecipeVariant Size(int width) =>
            new($"1 × {width}", [$"model.hiddenSize={width}", $"model.embeddingSize={Math.Min(256, width)}"]);
    }

    /// <inheritdoc/>
    protected override RnnModel Create(RnnConfig config, int vocabularySize, Recipe recipe) =>
        new(config, vocabularySize, recipe.Training.ChosenPrecision, recipe.Seed, recipe.Training.LabelSmoothing);

    /// <inheritdoc/>
    protected override int TrainingContext(RnnConfig config) => config.ContextLength;

    /// <inheritdoc/>
    protected override string ConfigText(RnnModel model) =>
        ConfigRecords.Write(ModelType, model.VocabularySize, model.Config);

    /// <inheritdoc/>
    protected override RnnModel Read(ConfigFile config, IReadOnlyDictionary<string, Tensor> tensors, string where)
    {
        RecurrentWeights.RefuseUnread(config);
        RnnConfig shape = config.Check(config.Read<RnnConfig>());
        Int128 embedding = shape.EmbeddingSize, hidden = shape.HiddenSize;
        Int128 least = config.VocabularySize * embedding + hidden * (embedding + 2)
            + (shape.LayerCount - 1) * hidden * (2 * hidden + 2);
        BundleTensors.CheckCount(tensors, least, where, config.VocabularySize > 0);
        return BundleTensors.Fill(new RnnModel(shape, config.VocabularySize, Precision.Fp32, seed: 0), tensors, where);
    }
}
