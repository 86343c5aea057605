using System.Diagnostics;
using System.Globalization;
using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Runs;

namespace Atelier.Tasks.Images;

/// <summary>Generates images and encodes them as files.</summary>
public static class ImageOutput
{
    private static readonly TimeSpan Frame = TimeSpan.FromMilliseconds(80), Last = TimeSpan.FromSeconds(2);

    /// <summary>Generates images and encodes them. Nothing is written to disk.</summary>
    /// <param name="generator">The generator.</param>
    /// <param name="request">The request.</param>
    /// <param name="form">The files to encode.</param>
    /// <param name="progress">Receives the progress of each batch of images as a line.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The request cannot be met.</exception>
    public static async Task<EncodedImages> SampleAsync(ImageGenerator generator, GenerationRequest request,
        ImageForm form, IProgress<string>? progress = null, CancellationToken cancellation = default)
    {
        bool between = request.Drawing?.Interpolate is not null; // an animation then shows the interpolation
        SamplingAnimation? animation = form == ImageForm.Animation && !between ? new SamplingAnimation() : null;
        if (animation is not null && generator.Upscaler is not null)
            throw new AtelierException("an animation shows the sampling steps of a single model",
                Mention.Field("out"), $"leave {Mention.Field("upscale")} out, or name a .png");
        if (animation is not null && request.Count > SamplingAnimation.MostImages)
            throw new AtelierException($"an animation of {request.Count} images is too large",
                Mention.Field("count"), $"ask for {SamplingAnimation.MostImages} or fewer, or name a .png");
        var sinceReport = Stopwatch.StartNew();
        generator.Watch = step =>
        {
            animation?.Add(step);
            if (sinceReport.Elapsed < TimeSpan.FromSeconds(1))
                return;
            sinceReport.Restart();
            progress?.Report(FormattableString.Invariant(
                $"sampling from image {step.First + 1} of {request.Count}: {step.Done:P0}"));
        };
        var samples = new List<ImageSample>();
        try
        {
            await foreach (Sample sample in generator.GenerateAsync(request, cancellation).ConfigureAwait(false))
                samples.Add((ImageSample)sample);
        }
        finally
        {
            generator.Watch = null;
        }
        return new EncodedImages(samples, form switch
        {
            ImageForm.None => [],
            ImageForm.Each => [.. samples.Select((sample, i) => One(generator, request, sample, request.Only ?? i))],
            ImageForm.Animation => [new("animation.gif", Gif(generator.DrawnSchema, animation?.Frames
                ?? samples.Select(sample => (IReadOnlyList<ReadOnlyMemory<byte>>)[sample.Pixels])))],
            _ => [new("grid.png", ImageGrid.Encode(generator.DrawnSchema, [.. samples.Select(s => s.Pixels)],
                Texts(generator, request), Columns(request)))],
        });
    }

    private static byte[] Gif(ImageSchema schema, IEnumerable<IReadOnlyList<ReadOnlyMemory<byte>>> images)
    {
        (int Width, int Height, byte[] Pixels)[] frames =
            [.. images.Select(frame => ImageGrid.Lay(schema.Width, schema.Height, schema.Channels, frame))];
        return GifFile.Encode(frames[0].Width, frames[0].Height, schema.Channels,
            [.. frames.Select(frame => frame.Pixels)], Frame, Last);
    }

    private static EncodedImage One(ImageGenerator generator, GenerationRequest request, ImageSample sample,
        int number)
    {
        CultureInfo invariant = CultureInfo.InvariantCulture;
        int digits = Math.Max(2, (request.Count - 1).ToString(invariant).Length);
        return new($"{number.ToString(invariant).PadLeft(digits, '0')}.png", ImageFiles.EncodePng(sample.Width,
            sample.Height, sample.Channels, sample.Pixels.Span, Texts(generator, request with { Only = number })));
    }

    private static IReadOnlyDictionary<string, string>? Texts(ImageGenerator generator, GenerationRequest request) =>
        generator.Identity is { } model
            ? new SampleOrigin(model, request with { Drawing = generator.Resolve(request.Drawing) })
            { Upscaler = generator.Upscaler?.Identity }.ToTexts() : null;

    /// <summary>One row for each interpolation; otherwise a grid that is nearly square.</summary>
    private static int? Columns(GenerationRequest request) =>
        request is { Drawing.Interpolate: { } ends, Only: null } ? request.Count / ends.PathCount : null;
}

/// <summary>The files that generated images are encoded as.</summary>
public enum ImageForm
{
    /// <summary>No files.</summary>
    None,

    /// <summary>One PNG with all images in a grid.</summary>
    Grid,

    /// <summary>A GIF that shows the sampling or the interpolation.</summary>
    Animation,

    /// <summary>A PNG for each image.</summary>
    Each,
}

/// <summary>Generated images and their files.</summary>
/// <param name="Samples">The images.</param>
/// <param name="Files">Their files: one for each image in its order, one for all, or none.</param>
public sealed record EncodedImages(IReadOnlyList<ImageSample> Samples, IReadOnlyList<EncodedImage> Files);

/// <summary>A file of one or more images.</summary>
/// <param name="Name">A name for the file with its extension: "00.png".</param>
/// <param name="Content">The contents of the file.</param>
public sealed record EncodedImage(string Name, ReadOnlyMemory<byte> Content);
