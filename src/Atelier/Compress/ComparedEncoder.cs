using System.Diagnostics;
using Atelier.Data.Text;
using Atelier.Exchange;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Kernels;
using Atelier.Networks;
using Atelier.Recipes;

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
        EncoderInput[] passages = [.. Windows(data.Test).Select(p => new EncoderInput(p))];
        IReadOnlyList<float[]>[] vectors = [.. both.Select(each => each.Embed(passages, cancellation: cancellation))];
        return comparison with
        {
            Similarity = SimilarityCorrelation.Of(vectors[0], vectors[1], recipe.Evaluation.BootstrapSamples,
                recipe.Seed),
        };
    }

    /// <inheritdoc/>
    public override void Dispose() => masked.Dispose();

    private Encoder Encoder => encoder;

    private static double Round(Encoder encoder, EncoderInput[] passages)
    {
        var watch = Stopwatch.StartNew();
        encoder.Embed(passages);
        return passages.Sum(passage => passage.Tokens.Length) / watch.Elapsed.TotalSeconds;
    }
}
