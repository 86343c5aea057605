using Atelier.Data.Audio;
using Atelier.Data.Images;
using Atelier.Evaluation;
using Atelier.Recipes;
using Atelier.Tasks.Images;
using static TorchSharp.torch;

namespace Atelier.Tasks.Audio;

/// <summary>The sounds of a model of codes, and the likelihood of held-out codes.</summary>
internal sealed class JudgedCodes(SoundGenerator generator, AudioData data) : IJudgedSounds
{
    private const string Unigram = "unigram", CrossEntropy = "crossEntropyPerCode", Rate = "bitsPerSecond";

    /// <inheritdoc/>
    public bool IsConditional => generator.IsConditional;

    /// <inheritdoc/>
    public Device Device => generator.Model.parameters().First().device;

    /// <inheritdoc/>
    public SpectrogramFormat Format { get; } = SpectrogramData.FormatOf(data, new SpectrogramSection());

    /// <inheritdoc/>
    public (string Metric, string Unit) OwnMetric => (CrossEntropy, "nats per code");

    /// <inheritdoc/>
    public string Note => $"{CrossEntropy} and {Rate} measure the codes of held-out sounds, given the class; the "
        + $"baseline {Unigram} knows the frequencies of each codebook's training codes alone. Held-out sounds are "
        + "coded and decoded for the baseline reconstructedSounds, which shows what the codec costs.";

    /// <inheritdoc/>
    public Dictionary<string, Metric> Own(bool isTest, ImagePart part,
        Dictionary<string, IReadOnlyDictionary<string, Metric>> baselines, EvaluationContext context,
        CancellationToken cancellation)
    {
        CodeData codes = data.AsCodes(generator.Codec, generator.Model.Codes.Codebooks);
        CodePart held = isTest ? codes.Test : codes.Validation;
        double seconds = (double)held.Shape.Frames * generator.Codec.FrameLength / data.Schema.SampleRate;
        if (codes.Train.Count > 0)
        {
            var frequencies = new CodeFrequencies(codes.Train);
            baselines[Unigram] = Figures([.. Enumerable.Range(0, held.Count).Select(clip =>
                frequencies.NegativeLogLikelihood(held, clip))]);
        }
        return Figures(generator.NegativeLogLikelihood(held, cancellation));

        Dictionary<string, Metric> Figures(double[] nats)
        {
            Metric Mean(Func<double, double> value, double weight, string unit) => MeanScore.Mean(
                [.. nats.Select(one => new MeanScore(value(one), weight))], context.Options, context.Seed, unit);
            return new()
            {
                [CrossEntropy] = Mean(one => one, held.Shape.Size, "nats per code"),
                [Rate] = Mean(one => one / Math.Log(2), seconds, "bits per second"),
            };
        }
    }

    /// <inheritdoc/>
    public SpectrogramSounds Generate(IReadOnlyList<int> labels, ImageSchema schema, EvaluationContext context,
        IProgress<string>? progress, CancellationToken cancellation)
    {
        int count = context.Options.Pictures;
        progress?.Report($"generating {Quantity.Of(count, "sound")}");
        int[] asked = IsConditional
            ? SampledImages.Labels(labels, schema.Classes.Count, count, context.Seed) : new int[count];
        return SpectrogramSounds.Of(generator.Sample(context.Seed, 0, asked, cancellation), schema,
            IsConditional ? asked : null);
    }

    /// <inheritdoc/>
    public SpectrogramSounds Reconstruct(bool isTest, ImagePart part, int count, long seed,
        IProgress<string>? progress, CancellationToken cancellation)
    {
        AudioPart held = isTest ? data.Test : data.Validation;
        float[][] samples = [.. Enumerable.Range(0, count).Select(clip =>
        {
            cancellation.ThrowIfCancellationRequested();
            var sound = new float[held.Schema.Size];
            held.Read(clip, sound);
            return generator.Reconstruct(sound);
        })];
        return SpectrogramSounds.Of(samples, part.Schema, part.Schema.Classes.Count == 0 ? null
            : [.. held.Labels.Take(count)]);
    }
}
