using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Runs;

namespace Atelier.Tasks.Images;

/// <summary>
/// Writes generated images: as a grid in a PNG, as an animation of the sampling in a GIF, or as a file for each in a
/// folder.
/// </summary>
public static class ImageOutput
{
    private static readonly TimeSpan Frame = TimeSpan.FromMilliseconds(80), Last = TimeSpan.FromSeconds(2);

    /// <summary>Generates images and writes them.</summary>
    /// <param name="generator">The generator.</param>
    /// <param name="request">The request.</param>
    /// <param name="path">F.png or F.gif, or a folder's name (one that is there, or with a separator at its end); null
    /// writes nothing.</param>
    /// <param name="progress">Receives the progress of each batch of images as a line.</param>
    /// <param name="cancellation">Cancels the operation; nothing is written.</param>
    /// <returns>The images, each with the file that it is in.</returns>
    /// <exception cref="AtelierException">The file cannot be written, or the request cannot be met.</exception>
    public static async Task<IReadOnlyList<ImageSample>> SampleAsync(ImageGenerator generator,
        GenerationRequest request, string? path,
        IProgress<string>? progress = null, CancellationToken cancellation = default)
    {
        ImageForm form = path is null ? ImageForm.None : FormOf(path);
        bool between = request.Drawing?.Interpolate is not null; // an animation then shows the interpolation
        SamplingAnimation? film = form == ImageForm.Animation && !between ? new SamplingAnimation() : null;
        if (film is not null && generator.Upscaler is not null)
            throw new AtelierException("an animation shows how pictures of one model come about", path,
                $"leave {Mention.Field("upscale")} out, or name a .png");
        if (film is not null && request.Count > SamplingAnimation.MostImages)
            throw new AtelierException($"an animation of {request.Count} pictures is too large", path,
                $"ask for {SamplingAnimation.MostImages} or fewer, or name a .png");
        var sinceReport = System.Diagnostics.Stopwatch.StartNew();
        generator.Watch = step =>
        {
            film?.Add(step);
            if (sinceReport.Elapsed < TimeSpan.FromSeconds(1))
                return;
            sinceReport.Restart();
            progress?.Report(
                FormattableString.Invariant(
                $"drawing from picture {step.First + 1} of {request.Count}: {step.Done:P0}"));
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
        return form switch
        {
            ImageForm.None => samples,
            ImageForm.Folder => WriteEach(generator, request, path!, samples),
            ImageForm.Animation =>
                WriteFilm(generator.DrawnSchema, path!, film?.Frames
                ?? samples.Select(sample => (IReadOnlyList<ReadOnlyMemory<byte>>)[sample.Pixels]), samples),
            _ => WriteGrid(generator, request, path!, samples),
        };
    }

    private static ImageForm FormOf(string path) =>
        Directory.Exists(path) || Path.EndsInDirectorySeparator(path) ? ImageForm.Folder
        : Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".png" => ImageForm.Grid,
            ".gif" => ImageForm.Animation,
            _ => throw new AtelierException(
                "pictures are written as PNG (a grid), GIF (how they came about) or into a folder (a file each)", path,
                "name a .png, a .gif, or a folder with / at its end"),
        };

    private static ImageSample[] WriteGrid(ImageGenerator generator, GenerationRequest request, string path,
        List<ImageSample> samples)
    {
        ImageGrid.Write(path, generator.DrawnSchema, [.. samples.Select(sample => sample.Pixels)],
            Texts(generator, request), Columns(request));
        return [.. samples.Select(sample => sample with { File = path })];
    }

    private static ImageSample[] WriteFilm(ImageSchema schema, string path,
        IEnumerable<IReadOnlyList<ReadOnlyMemory<byte>>> film, List<ImageSample> samples)
    {
        (int Width, int Height, byte[] Pixels)[] frames =
            [.. film.Select(frame => ImageGrid.Lay(schema.Width, schema.Height, schema.Channels, frame))];
        GifFile.Write(path, frames[0].Width, frames[0].Height, schema.Channels,
            [.. frames.Select(frame => frame.Pixels)], Frame, Last);
        return [.. samples.Select(sample => sample with { File = path })];
    }

    private static ImageSample[] WriteEach(ImageGenerator generator, GenerationRequest request, string folder,
        List<ImageSample> samples)
    {
        int digits = Math.Max(2,
            (request.Count - 1).ToString(System.Globalization.CultureInfo.InvariantCulture).Length);
        return [.. samples.Select((sample, i) =>
        {
            int number = request.Only ?? i;
            string path = Path.Combine(folder,
                $"{number.ToString(System.Globalization.CultureInfo.InvariantCulture).PadLeft(digits, '0')}.png");
            ImageFiles.WritePng(path, sample.Width, sample.Height, sample.Channels, sample.Pixels.Span,
                Texts(generator, request with { Only = number }));
            return sample with { File = path };
        })];
    }

    private static IReadOnlyDictionary<string, string>? Texts(ImageGenerator generator, GenerationRequest request) =>
        generator.Identity is { } model
            ? new ImageOrigin(model,
            request with { Drawing = generator.Resolve(request.Drawing) })
            { Upscaler = generator.Upscaler?.Identity }.ToTexts() : null;

    /// <summary>One row for each interpolation; otherwise a grid that is nearly square.</summary>
    private static int? Columns(GenerationRequest request) =>
        request is { Drawing.Interpolate: { } ends, Only: null } ? request.Count / ends.PathCount : null;

    private enum ImageForm { None, Grid, Animation, Folder }
}
