using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Evaluation;
using Atelier.Evaluation.Images;
using Atelier.Runs;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Tasks.Images;

/// <summary>
/// Held-out images that were shrunk and enlarged again, by a model and by bicubic interpolation, which every model
/// should beat.
/// </summary>
/// <param name="Real">The originals.</param>
/// <param name="Drawn">Enlarged by the model.</param>
/// <param name="Bicubic">Enlarged by cubic convolution (Keys 1981).</param>
internal sealed record UpscaledImages(ImageSet Real, ImageSet Drawn, ImageSet Bicubic)
{
    private const double LeastError = 1e-10; // identical images would have an infinite ratio

    /// <summary>
    /// Enlarges the first held-out images, after shrinking them to 8 bits a value, as files have them.
    /// </summary>
    public static UpscaledImages Sample(ImageGenerator generator, ImagePart part, int count, long seed,
        IProgress<string>? progress, CancellationToken cancellation)
    {
        IUpscaler upscaler = generator.Model.Upscaler!;
        ImageSchema schema = generator.Schema;
        SamplingOptions drawing = generator.Resolve();
        count = Math.Min(count, part.Count);
        var batches = new ImageBatches(part, generator.BatchSize, seed, shuffled: false);
        List<byte> drawn = [], bicubic = [];
        for (long number = 0; drawn.Count < (long)count * schema.Size; number++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            ImageBatch batch = batches.Get(number);
            Tensor small = ImageBatches.Scaled(ImageGenerator.Bytes(upscaler.Shrink(batch.Images)), upscaler.Small);
            drawn.AddRange(generator.Enlarge(seed, drawn.Count / schema.Size, small, batch.Labels, drawing,
                cancellation));
            bicubic.AddRange(ImageGenerator.Bytes(F.interpolate(small, size: [schema.Height, schema.Width],
                mode: InterpolationMode.Bicubic, align_corners: false)));
            progress?.Report(
                FormattableString.Invariant(
                $"{drawn.Count / schema.Size} of {Quantity.Of(count, "image")} enlarged"));
        }
        var real = ImageSet.Of(part, count);
        return new(real, Of(drawn), Of(bicubic));

        ImageSet Of(List<byte> pixels) => ImageSet.Of(schema, [.. pixels.Take(count * schema.Size)], real.Labels);
    }

    /// <summary>Computes the errors of enlarged images.</summary>
    public IReadOnlyDictionary<string, Metric> Figures(ImageSet enlarged, EvaluationContext context)
    {
        var errors = new MeanScore[enlarged.Count];
        Parallel.For(0, errors.Length, i =>
        {
            byte[] one = new byte[Real.Schema.Size], other = new byte[Real.Schema.Size];
            enlarged.Read(i, one);
            Real.Read(i, other);
            double sum = 0;
            for (int at = 0; at < one.Length; at++)
                sum += (one[at] - other[at]) * (one[at] - other[at]) / (255.0 * 255.0);
            errors[i] = new(sum / one.Length, 1);
        });
        MeanScore[] ratios =
            [.. errors.Select(error => new MeanScore(-10 * Math.Log10(Math.Max(LeastError, error.Sum)), 1))];
        return new Dictionary<string, Metric>
        {
            ["meanSquaredError"] = MeanScore.Mean(errors, context.Options, context.Seed, "of values from 0 to 1"),
            ["peakSignalToNoise"] = MeanScore.Mean(ratios, context.Options, context.Seed, "dB"),
        };
    }
}
