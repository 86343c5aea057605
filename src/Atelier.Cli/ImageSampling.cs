using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Runs;
using Atelier.Tasks.Images;

namespace Atelier.Cli;

/// <summary>Draws pictures for the command generate: anew, or like one that was drawn before.</summary>
internal sealed class ImageSampling(ToolConsole console, Workshop workshop)
{
    /// <summary>Draws pictures and tells where they are.</summary>
    public async Task<int> RunAsync(ImageGenerator generator, string run,
        GenerationRequest request, string? place, CancellationToken cancellation)
    {
        if (place is null)
            console.Remark("pictures are drawn but not kept: --out names a place for them");
        IReadOnlyList<ImageSample> samples =
            await ImageOutput.SampleAsync(generator, request, place, console, cancellation).ConfigureAwait(false);
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

    /// <summary>Opens a model that enlarges what another draws, and puts it behind it.</summary>
    /// <exception cref="AtelierException">One of the two makes no pictures, or they do not go together.</exception>
    public ITrainedModel OpenUpscaler(string run, ITrainedModel first, string device,
        CancellationToken cancellation)
    {
        ImageGenerator generator = first.As<ImageGenerator>()
            ?? throw new AtelierException("the model makes no pictures", "--upscale", "leave it out");
        ITrainedModel opened = workshop.Open(run, new OpenOptions { Device = device }, cancellation);
        try
        {
            generator.Upscaler = opened.As<ImageGenerator>()
                ?? throw new AtelierException("is no model of pictures", run,
                "name one that was trained with model.upscale");
            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>Makes a picture again.</summary>
    /// <param name="picture">A PNG that was drawn before.</param>
    /// <param name="run">The model; null finds the run that the picture names.</param>
    /// <param name="upscaler">The model that enlarged it; null finds the run that the picture names.</param>
    /// <param name="place">The file to write; null takes a name next to the image's.</param>
    /// <param name="device">The device.</param>
    /// <param name="cancellation">Stops.</param>
    public async Task<int> AgainAsync(string picture, string? run, string? upscaler,
        string? place, string device, CancellationToken cancellation)
    {
        var origin = ImageOrigin.Read(picture, path => ImageFiles.LoadAll(path, LatentArguments.MostPictures));
        string source = run ?? Find(origin.Model, "drawn", picture, "atelier generate RUN --like " + picture);
        using ITrainedModel opened = workshop.Open(source, new OpenOptions { Device = device }, cancellation);
        ImageGenerator generator = opened.As<ImageGenerator>()
            ?? throw new AtelierException("is no model of pictures", source, "name the run that drew the picture");
        Same(opened, origin.Model, "drew", source);
        if (origin.Upscaler is null && upscaler is not null)
            throw new AtelierException("the picture was enlarged by no model", "--upscale", "leave it out");
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

    private static void Same(ITrainedModel opened, BundleIdentity model, string did, string source)
    {
        if (opened.As<ImageGenerator>()?.Identity?.Weights != model.Weights)
            throw new AtelierException($"is not the model that {did} the picture: its weights differ", source,
                $"name the run or bundle that {did} it");
    }

    private string Find(BundleIdentity model, string done, string picture, string command) =>
        model.RunId is not { } id
            ? throw new AtelierException($"does not say by which run it was {done}", picture,
            $"name the model: {command}")
            : workshop.History.Find(id)?.Folder
            ?? throw new AtelierException($"was {done} by the run {id}, which is not known here", picture,
                $"name the model: {command}");
}
