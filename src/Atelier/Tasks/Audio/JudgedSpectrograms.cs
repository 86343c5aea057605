using Atelier.Data.Audio;
using Atelier.Data.Images;
using Atelier.Evaluation;
using Atelier.Evaluation.Images;
using Atelier.Tasks.Images;
using static TorchSharp.torch;

namespace Atelier.Tasks.Audio;

/// <summary>The sounds of a model of spectrograms.</summary>
internal sealed class JudgedSpectrograms(ImageGenerator generator) : IJudgedSounds
{
    /// <inheritdoc/>
    public bool IsConditional => generator.IsConditional;

    /// <inheritdoc/>
    public Device Device => generator.Model.parameters().First().device;

    /// <inheritdoc/>
    public SpectrogramFormat Format => generator.Schema.Spectrogram!;

    /// <inheritdoc/>
    public (string Metric, string Unit) OwnMetric => ("loss", generator.Model.Unit("loss"));

    /// <inheritdoc/>
    public string Note => $"Intervals of the model's own figures are over batches of {HeldOutFigures.BatchSize}. "
        + "Generated sounds are compared as they are heard: computed from their spectrograms by the "
        + "algorithm of Griffin and Lim, and analysed again. The same is done to the held-out sounds of the baseline "
        + "reconstructedSounds, which shows what this step costs.";

    /// <inheritdoc/>
    public Dictionary<string, Metric> Own(bool isTest, ImagePart part,
        Dictionary<string, IReadOnlyDictionary<string, Metric>> baselines, EvaluationContext context,
        CancellationToken cancellation) => HeldOutFigures.Own(generator.Model, part, context, cancellation);

    /// <inheritdoc/>
    public SpectrogramSounds Generate(IReadOnlyList<int> labels, ImageSchema schema, EvaluationContext context,
        IProgress<string>? progress, CancellationToken cancellation) => SpectrogramSounds.Of(SampledImages.Sample(
            generator, labels, context.Options.Pictures, context.Seed, progress, cancellation), context.Seed, progress,
        cancellation);

    /// <inheritdoc/>
    public SpectrogramSounds Reconstruct(bool isTest, ImagePart part, int count, long seed,
        IProgress<string>? progress, CancellationToken cancellation) =>
        SpectrogramSounds.Of(ImageSet.Of(part, count), seed, progress, cancellation);
}
