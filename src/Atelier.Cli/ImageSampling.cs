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

    /// <summary>Generates an image again.</summary>
    /// <param name="picture">A PNG file that was generated before.</param>
    /// <param name="run">The model; null finds the run that the file records.</param>
    /// <param name="upscaler">The model that enlarged it; null finds the run that the file records.</param>
    /// <param name="place">The file to write; null writes a new file in the same folder.</param>
    /// <param name="device">The device.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    public async Task<int> AgainAsync(string picture, string? run, string? upscaler,
        string? place, string device, CancellationToken cancellation)
    {
        var origin = ImageOrigin.Read(ImageFiles.Load(picture),
            path => ImageFiles.LoadAll(path, LatentArguments.MostPictures));
        string source = run ?? Find(origin.Model, "generated", picture, "atelier generate RUN --like " + picture);
        using ITrainedModel opened = workshop.Open(source, new OpenOptions { Device = device }, cancellation);
        ImageGenerator generator = opened.As<ImageGenerator>()
            ?? throw new AtelierException("is not an image model", source, "name the run that generated the image");
        Same(opened, origin.Model, "generated", source);
        if (origin.Upscaler is null && upscaler is not null)
            throw new AtelierException("the image was not enlarged by a model", "--upscale", "leave it out");
        string? second = origin.Upscaler is { } enlarger
            ? upscaler ?? Find(enlarger, "enlarged", picture, $"atelier generate --like {picture} --upscale RUN")
            : null;
        using ITrainedModel? large = second is null ? null : OpenUpscaler(second, opened, device, cancellation);
        if (large is not null)
            Same(large, origin.Upscaler!, "enlarged", second!);
        origin.CheckFiles();
        GenerationRequest request = origin.Request;
        string again = place
            ?? Path.Combine(Path.GetDirectoryName(Path.GetFullPath(picture))!,
            Path.GetFileNameWithoutExtension(picture) + "-again.png");
        return await RunAsync(generator, source, request, again, cancellation).ConfigureAwait(false);
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

    private static void Same(ITrainedModel opened, BundleIdentity model, string did, string source)
    {
        if (opened.As<ImageGenerator>()?.Identity?.Weights != model.Weights)
            throw new AtelierException($"is not the model that {did} the image: its weights differ", source,
                $"name the run or bundle that {did} it");
    }

    private string Find(BundleIdentity model, string done, string picture, string command) =>
        model.RunId is not { } id
            ? throw new AtelierException($"does not record which run it was {done} by", picture,
            $"name the model: {command}")
            : workshop.History.Find(id)?.Folder
            ?? throw new AtelierException($"was {done} by the run {id}, which is not in the history here", picture,
                $"name the model: {command}");
}
