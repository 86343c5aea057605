using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Formats;
using Atelier.Runs;
using Atelier.Tasks.Images;

namespace Atelier.Cli;

/// <summary>Generates images for the command generate: new ones, or one that was generated before.</summary>
internal sealed class ImageSampling(ToolConsole console, Workshop workshop)
{
    /// <summary>Generates images and shows where they are.</summary>
    public async Task<int> RunAsync(ImageGenerator generator, string run,
        GenerationRequest request, string? place, CancellationToken cancellation)
    {
        if (place is null)
            console.Remark("the images are not saved: use --out to name a file or folder");
        ImageForm form = place is null ? ImageForm.None : FormOf(place);
        EncodedImages images = await ImageOutput.SampleAsync(generator, request, form, console, cancellation)
            .ConfigureAwait(false);
        IReadOnlyList<ImageSample> samples = place is null ? images.Samples : Write(images, form, place);
        foreach (string line in place is null ? samples.Select(sample => sample.Shown)
            : samples.Select(sample => sample.File!).Distinct())
            console.Say(line);
        console.Result(() => new JsonObject
        {
            ["run"] = Path.GetFullPath(run),
            ["seed"] = request.Seed,
            ["samples"] = new JsonArray([.. samples.Select(sample => (JsonNode)sample.ToJson())]),
        });
        return 0;
    }

    /// <summary>Opens a model that enlarges the images of another, and sets it as its upscaler.</summary>
    /// <exception cref="AtelierException">One of the two is not an image model, or they do not fit.</exception>
    public ITrainedModel OpenUpscaler(string run, ITrainedModel first, string device,
        CancellationToken cancellation)
    {
        ImageGenerator generator = first.As<ImageGenerator>()
            ?? throw new AtelierException("the model does not generate images", "--upscale", "leave it out");
        ITrainedModel opened = workshop.Open(run, new OpenOptions { Device = device }, cancellation);
        try
        {
            generator.Upscaler = opened.As<ImageGenerator>()
                ?? throw new AtelierException("is not an image model", run,
                "name one that was trained with model.upscale");
            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    private static ImageForm FormOf(string place) =>
        Directory.Exists(place) || Path.EndsInDirectorySeparator(place) ? ImageForm.Each
        : Path.GetExtension(place).ToLowerInvariant() switch
        {
            ".png" => ImageForm.Grid,
            ".gif" => ImageForm.Animation,
            _ => throw new AtelierException(
                "images are written as PNG (a grid), GIF (an animation of the sampling) or into a folder (a file "
                    + "each)", place, "name a .png, a .gif, or a folder with / at its end"),
        };

    /// <summary>Writes the files of images.</summary>
    /// <returns>The images, each with its file.</returns>
    private static ImageSample[] Write(EncodedImages images, ImageForm form, string place)
    {
        string[] paths =
            [.. images.Files.Select(file => form == ImageForm.Each ? Path.Combine(place, file.Name) : place)];
        foreach ((string path, EncodedImage file) in paths.Zip(images.Files))
            AtomicFile.Write(path, stream => stream.Write(file.Content.Span));
        return [.. images.Samples.Select((sample, i) => sample with { File = paths[paths.Length == 1 ? 0 : i] })];
    }
}
