using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Formats;
using Atelier.Tasks.Video;

namespace Atelier.Cli;

/// <summary>Generates videos for the command generate.</summary>
internal sealed class VideoSampling(ToolConsole console)
{
    private const int MostFrame = 9999;

    /// <summary>The option that names the given frames.</summary>
    public static Option<string?> GivenOption() => new("--given")
    {
        HelpName = "0-3",
        Description = "The numbers of the frames that the input of a video model gives: 0-3 to continue, 0,15 to fill "
            + "in.",
    };

    /// <summary>Reads the numbers of frames: "0-3", "0,15"; null stays null.</summary>
    /// <exception cref="AtelierException">They are not numbers.</exception>
    public static IReadOnlyList<int>? Numbers(string? text) =>
        text is null ? null : [.. text.Split(',').SelectMany(Range)];

    /// <summary>Generates videos and shows where they are.</summary>
    public async Task<int> RunAsync(VideoGenerator generator, string run, GenerationRequest request, string? place,
        CancellationToken cancellation)
    {
        if (place is null)
            console.Remark("the videos are not saved: use --out to name a file or folder");
        VideoForm form = place is null ? VideoForm.None : FormOf(place);
        EncodedVideos videos = await VideoOutput.SampleAsync(generator, request, form, console, cancellation)
            .ConfigureAwait(false);
        string[] paths = [.. videos.Files.Select(file =>
            form == VideoForm.Each ? Path.Combine(place!, file.Name) : place!)];
        foreach ((string path, var file) in paths.Zip(videos.Files))
            AtomicFile.Write(path, stream => stream.Write(file.Content.Span));
        VideoSample[] samples = [.. videos.Samples.Select((sample, i) =>
            paths.Length == 0 ? sample : sample with { File = paths[paths.Length == 1 ? 0 : i] })];
        foreach (string line in paths.Length == 0 ? samples.Select(sample => sample.Shown) : paths)
            console.Say(line);
        console.Result(() => new JsonObject
        {
            ["run"] = Path.GetFullPath(run),
            ["seed"] = request.Seed,
            ["samples"] = new JsonArray([.. samples.Select(sample => (JsonNode)sample.ToJson())]),
        });
        return 0;
    }

    private static IEnumerable<int> Range(string part)
    {
        string[] ends = part.Split('-');
        return ends.Length <= 2 && int.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out int first)
            && int.TryParse(ends[^1], NumberStyles.None, CultureInfo.InvariantCulture, out int last)
            && first <= last && last <= MostFrame ? Enumerable.Range(first, last - first + 1)
            : throw new AtelierException($"'{part}' is no frame and no range of frames", "--given",
                "write 0-3, or 0,15");
    }

    private static VideoForm FormOf(string place) =>
        Directory.Exists(place) || Path.EndsInDirectorySeparator(place) ? VideoForm.Each
        : Path.GetExtension(place).ToLowerInvariant() switch
        {
            ".png" => VideoForm.Sheet,
            ".gif" => VideoForm.Gif,
            ".mp4" => VideoForm.Mp4,
            ".webm" => VideoForm.Webm,
            _ => throw new AtelierException("videos are written as GIF, MP4, WebM, PNG (a contact sheet) or into a "
                + "folder (a GIF each)", place, "name a .gif, .mp4, .webm or .png, or a folder with / at its end"),
        };
}
