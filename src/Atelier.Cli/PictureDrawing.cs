using System.Text.Json.Nodes;
using Atelier.Decoding;
using Atelier.Models.Layers;
using Atelier.Runs;

namespace Atelier.Cli;

/// <summary>Draws pictures for the command generate: anew, or like one that was drawn before.</summary>
internal static class PictureDrawing
{
    /// <summary>Draws pictures and tells where they are.</summary>
    public static async Task<int> RunAsync(ToolConsole console, ImageGenerator generator, string run, GenerationRequest request, string? place, CancellationToken cancellation)
    {
        if (place is null)
            console.Remark("pictures are drawn but not kept: --out names a place for them");
        IReadOnlyList<ImageSample> samples = await PictureOutput.DrawAsync(generator, request, place, console, cancellation).ConfigureAwait(false);
        foreach (string line in place is null ? samples.Select(sample => sample.Shown) : samples.Select(sample => sample.File!).Distinct())
            console.Say(line);
        console.Result(() => new JsonObject
        {
            ["run"] = Path.GetFullPath(run),
            ["seed"] = request.Seed,
            ["samples"] = new JsonArray([.. samples.Select(sample => (JsonNode)sample.ToJson())]),
        });
        return 0;
    }

    /// <summary>Makes a picture again.</summary>
    /// <param name="console">Where to tell.</param>
    /// <param name="picture">A PNG that was drawn before.</param>
    /// <param name="run">The model; null finds the run that the picture names.</param>
    /// <param name="place">Where to; null takes a name beside the picture's.</param>
    /// <param name="device">The device.</param>
    /// <param name="cancellation">Stops.</param>
    public static async Task<int> AgainAsync(ToolConsole console, string picture, string? run, string? place, string device, CancellationToken cancellation)
    {
        var origin = PictureOrigin.Read(picture);
        string source = run ?? Find(origin, picture);
        using IGenerator opened = Workshop.OpenForUse(source, device);
        if (opened is not ImageGenerator { Identity: { } model } generator)
            throw new AtelierException("is no model of pictures", source, "name the run that drew the picture");
        if (model.Weights != origin.Model.Weights)
            throw new AtelierException("is not the model that drew the picture: its weights differ", source, "name the run or bundle that drew it");
        origin.CheckFiles();
        GenerationRequest request = origin.Request;
        string again = place ?? Path.Combine(Path.GetDirectoryName(Path.GetFullPath(picture))!, Path.GetFileNameWithoutExtension(picture) + "-again.png");
        return await RunAsync(console, generator, source, request, again, cancellation).ConfigureAwait(false);
    }

    private static string Find(PictureOrigin origin, string picture)
    {
        string? id = origin.Model.RunId;
        return id is null ? throw new AtelierException("does not say which run drew it", picture, "name the model: atelier generate RUN --like " + picture)
            : RunHistory.Default.Find(id)?.Folder
            ?? throw new AtelierException($"was drawn by the run {id}, which is not known here", picture, "name the model: atelier generate RUN --like " + picture);
    }
}
