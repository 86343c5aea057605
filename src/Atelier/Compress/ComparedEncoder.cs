using System.Diagnostics;
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

/// <summary>
/// A model that turns texts into vectors, which is compared by the similarities of passages: whether those that are
/// alike for the original are so for the copy.
/// </summary>
/// <param name="masked">The model, which is disposed with this object.</param>
/// <param name="encoder">Its network.</param>
internal sealed class ComparedEncoder(MaskedTextGenerator masked, Encoder encoder) : ComparedModel
{
    private const int PassageLength = 64; // tokens, about as long as a few sentences
    private const int MostPassages = 256, PassagesOfRound = 16;

    /// <inheritdoc/>
    public override ICalibratable Network => encoder;

    /// <inheritdoc/>
    protected override int WindowLength => Math.Min(PassageLength, encoder.ContextLength) - masked.Tokens.AddedCount;

    /// <inheritdoc/>
    protected override int MostWindows => MostPassages;

    /// <inheritdoc/>
    protected override ReadOnlyMemory<int> Sequence(int[] window) => masked.Tokens.Surround(window);

    /// <inheritdoc/>
    public override void WriteBlocks(string path, string folder, ModelWeights weights, WeightType type,
        Func<ModelTensor, TensorLayout, WeightType, byte[]?> rounding, CancellationToken cancellation) =>
        ModelWriter.WriteBlocks(path, weights, type, rounding, cancellation);

    /// <inheritdoc/>
    public override ModelComparison Compare(ComparedModel compressed, TextData? data, Recipe recipe, string folder,
        IProgress<string>? progress, CancellationToken cancellation)
    {
        Encoder[] both = [encoder, ((ComparedEncoder)compressed).Encoder];
        EncoderInput[] some = [.. Enumerable.Range(0, PassagesOfRound).Select(i => new EncoderInput(Sequence(
            [.. Enumerable.Range(i, WindowLength).Select(token => token % encoder.VocabularySize)])))];
        var comparison = new ModelComparison(
            DecodingSpeed.InTurns([.. both.Select<Encoder, Func<double>>(each => () => Round(each, some))]));
        if (data is null)
            return comparison;
        progress?.Report("comparing the similarities of held-out passages");
        return comparison with
        {
            Similarity = Similarity(compressed, TextEvaluator.HeldOut(data, folder), recipe.Evaluation.BootstrapSamples,
                recipe.Seed, cancellation),
        };
    }

    /// <inheritdoc/>
    /// <remarks>The loss is what the correlation of similarities lacks.</remarks>
    public override double QuickLoss(ComparedModel compressed, TokenFile text, CancellationToken cancellation) =>
        1 - Similarity(compressed, text, samples: 1, seed: 0, cancellation).Value;

    /// <inheritdoc/>
    public override void Dispose() => masked.Dispose();

    private Encoder Encoder => encoder;

    private Metric Similarity(ComparedModel compressed, TokenFile text, int samples, long seed,
        CancellationToken cancellation)
    {
        EncoderInput[] passages = [.. Windows(text).Select(passage => new EncoderInput(passage))];
        return SimilarityCorrelation.Of(encoder.Embed(passages, cancellation: cancellation),
            ((ComparedEncoder)compressed).Encoder.Embed(passages, cancellation: cancellation), samples, seed);
    }

    private static double Round(Encoder encoder, EncoderInput[] passages)
    {
        var watch = Stopwatch.StartNew();
        encoder.Embed(passages);
        return passages.Sum(passage => passage.Tokens.Length) / watch.Elapsed.TotalSeconds;
    }
}
