using Atelier.Data.Text;
using Atelier.Evaluation;
using Atelier.Exchange;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Kernels;
using Atelier.Networks;
using Atelier.Recipes;
using Atelier.Tasks.Text;

namespace Atelier.Compress;

/// <summary>A model that continues texts, which is compared by its held-out loss.</summary>
/// <param name="generator">The model, which is disposed with this object.</param>
internal sealed class ComparedGenerator(TextGenerator generator) : ComparedModel
{
    private const int LongestWindow = 2048; // tokens
    private const int WindowsOfQuickOne = 4; // one of so many is enough to choose by

    /// <inheritdoc/>
    public override ICalibratable? Network => generator.Model as ICalibratable;

    /// <inheritdoc/>
    protected override int WindowLength => Math.Min(generator.Model.ContextLength, LongestWindow);

    /// <inheritdoc/>
    protected override int MostWindows => 128; // as Frantar et al. 2023, section 4

    /// <inheritdoc/>
    protected override ReadOnlyMemory<int> Sequence(int[] window) => window;

    /// <inheritdoc/>
    public override void WriteBlocks(string path, string folder, ModelWeights weights, WeightType type,
        Func<ModelTensor, TensorLayout, WeightType, byte[]?> rounding, CancellationToken cancellation)
    {
        TextBundleFiles files = TextBundleFiles.Read(folder);
        ModelWriter.WriteBlocks(path, weights, files.Config, files.Tokenizer, files.Bounds, type, rounding,
            cancellation);
    }

    /// <inheritdoc/>
    /// <remarks>The paired bootstrap resamples the same stretches for both models.</remarks>
    public override ModelComparison Compare(ComparedModel compressed, TextData? data, Recipe recipe, string folder,
        IProgress<string>? progress, CancellationToken cancellation)
    {
        const string metric = "crossEntropyPerCharacter";
        TextGenerator other = ((ComparedGenerator)compressed).Model;
        var comparison = new ModelComparison(DecodingSpeed.Measure(generator, other));
        if (data is null)
            return comparison;
        int samples = recipe.Evaluation.BootstrapSamples;
        IReadOnlyList<TextScore> before = Score(generator, "original"), after = Score(other, "compressed");
        return comparison with
        {
            Before = TextMetrics.Of(before, samples, recipe.Seed)[metric],
            After = TextMetrics.Of(after, samples, recipe.Seed)[metric],
            Change = MeanScore.Difference(TextMetrics.PerCharacter(after), TextMetrics.PerCharacter(before), samples,
                recipe.Seed, "nats"),
        };

        IReadOnlyList<TextScore> Score(TextGenerator scored, string which)
        {
            progress?.Report($"scoring held-out text with the {which} model");
            return TextEvaluator.Score(scored.Model, data, recipe.Evaluation, folder, cancellation);
        }
    }

    /// <inheritdoc/>
    /// <remarks>The loss is the increase of the cross-entropy.</remarks>
    public override double QuickLoss(ComparedModel compressed, TokenFile text, CancellationToken cancellation)
    {
        ReadOnlyMemory<int>[] windows = [.. Windows(text).Where((_, i) => i % WindowsOfQuickOne == 0)];
        double before = Nats(generator), after = Nats(((ComparedGenerator)compressed).Model);
        return (after - before) / before;

        double Nats(TextGenerator scored) =>
            -scored.Model.Score(windows, cancellation).Sum(window => window.Sum(token => token.LogProbability));
    }

    /// <inheritdoc/>
    public override void Dispose() => generator.Dispose();

    private TextGenerator Model => generator;
}
