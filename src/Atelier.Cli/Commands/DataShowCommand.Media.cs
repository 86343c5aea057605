using System.Globalization;
using System.Text.Json.Nodes;
using Atelier.Data;
using Atelier.Data.Audio;
using Atelier.Data.Images;
using Atelier.Data.Video;
using Atelier.Evaluation.Plots;

namespace Atelier.Cli.Commands;

/// <summary>Images, sounds and videos.</summary>
internal sealed partial class DataShowCommand
{
    private static void ShowPictures(ToolConsole console, ImagePreview preview, string? place, string source)
    {
        ImageSchema schema = preview.Schema;
        string colours = schema.Channels == 1 ? "grey" : "colour";
        console.Say($"{Quantity.Of(preview.Count, "image")} of {schema.Width} × {schema.Height}, {colours}");
        SayFound(console, new Dictionary<string, string>(), preview.Notes);
        if (preview.PerClass.Count > 0)
            console.Table(["class", "images"], preview.PerClass.Select(c => new[] { c.Key, Number(c.Value) }));
        if (place is not null)
        {
            ImageGrid.Write(place, schema, preview.First);
            console.Say(place);
        }
        console.Result(() => WithFile(PreviewJson.Of(preview, source), place));
    }

    private static void ShowSounds(ToolConsole console, AudioPreview preview, string? place, string source)
    {
        double[] seconds = [.. preview.Seconds.Order()];
        string rates = string.Join(", ", preview.SampleRates.Select(r =>
            FormattableString.Invariant($"{r.Key} Hz")
                + (preview.SampleRates.Count == 1 ? "" : $" ({Number(r.Value)})"))),
            channels = string.Join(", ", preview.Channels.Select(c => Quantity.Of(c.Key, "channel")
                + (preview.Channels.Count == 1 ? "" : $" ({Number(c.Value)})")));
        console.Say($"{Quantity.Of(preview.Count, "sound")} of together {Quantity.Duration(seconds.Sum())}, {rates}, "
            + channels);
        SayFound(console, new Dictionary<string, string>(), preview.Notes);
        if (preview.Held > 0)
            console.Say($"{Quantity.Of(preview.Held, "sound")} held out as test part");
        console.Table(["", "minimum", "median", "maximum"],
        [
            ["length in seconds", .. Spread(seconds)], ["loudness in LUFS", .. Spread(preview.Loudness)],
        ]);
        if (preview.PerClass.Count > 0)
            console.Table(["class", "sounds"], preview.PerClass.Select(c => new[] { c.Key, Number(c.Value) }));
        if (place is not null)
        {
            SoundSheet.Write(place, [.. preview.First.Select(sound =>
                (sound.Class is null ? sound.Name : $"{sound.Class}: {sound.Name}", sound.Sound))]);
            console.Say(place);
        }
        console.Result(() => WithFile(PreviewJson.Of(preview, source), place));
    }

    private static void ShowVideos(ToolConsole console, VideoPreview preview, string? place, string source)
    {
        string sizes = string.Join(", ", preview.Sizes.Select(size => preview.Sizes.Count == 1 ? size.Key
            : $"{size.Key} ({Number(size.Value)})"));
        console.Say(string.Create(CultureInfo.InvariantCulture, $"{Quantity.Of(preview.Count, "video")}")
            + (preview.Seconds.Count == 0 ? "" : string.Create(CultureInfo.InvariantCulture,
                $" of together {preview.Seconds.Sum():0.#} s, from {preview.Seconds[0]:0.##} to "
                    + $"{preview.Seconds[^1]:0.##} s"))
            + (sizes.Length == 0 ? "" : $", {sizes}")
            + string.Create(CultureInfo.InvariantCulture, $"; read as {preview.Frame.Width} × {preview.Frame.Height} "
                + $"with {preview.Fps:0.###} frames per second"));
        SayFound(console, new Dictionary<string, string>(), preview.Notes);
        if (preview.PerClass.Count > 0)
            console.Table(["class", "videos"], preview.PerClass.Select(c => new[] { c.Key, Number(c.Value) }));
        if (place is not null)
        {
            preview.Write(place);
            console.Say(place);
        }
        console.Result(() => WithFile(PreviewJson.Of(preview, source), place));
    }

    private static JsonObject WithFile(JsonObject json, string? place)
    {
        json["file"] = place;
        return json;
    }

    private static string[] Spread(IReadOnlyList<double> sorted) => sorted.Count == 0 ? ["–", "–", "–"]
        : [.. PreviewJson.Quantiles(sorted).Select(value => value.ToString("0.##", CultureInfo.InvariantCulture))];
}
