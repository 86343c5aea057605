using System.Text.Json.Nodes;
using Atelier.Data.Audio;
using Atelier.Data.Images;
using Atelier.Data.Pairs;
using Atelier.Data.Series;
using Atelier.Data.Tables;
using Atelier.Data.Tagged;
using Atelier.Data.Text;
using Atelier.Data.Video;

namespace Atelier.Data;

/// <summary>Previews of data as JSON, which the tool and the server both write.</summary>
public static class PreviewJson
{
    private const int ValuesOfColumn = 50;

    /// <summary>The figures of a text source, and its first documents.</summary>
    /// <param name="preview">The preview.</param>
    /// <param name="source">The source as the user named it.</param>
    public static JsonObject Of(TextPreview preview, string source) => new()
    {
        ["source"] = source, ["kind"] = "text", ["documents"] = preview.Documents,
        ["characters"] = preview.Characters, ["bytes"] = preview.Bytes, ["encodings"] = Json(preview.Encodings),
        ["notes"] = Json(preview.Notes), ["first"] = Json(preview.First),
    };

    /// <summary>The columns of a table.</summary>
    /// <param name="preview">The preview.</param>
    /// <param name="source">The source as the user named it.</param>
    /// <param name="column">The one column to describe; null describes all.</param>
    public static JsonObject Of(TablePreview preview, string source, string? column = null) => new()
    {
        ["source"] = source, ["kind"] = "table", ["rows"] = preview.Rows,
        ["columns"] = new JsonArray([.. preview.Only(column, source).Select(c => (JsonNode)new JsonObject
        {
            ["name"] = c.Name, ["holds"] = c.Kind, ["missing"] = c.Missing, ["different"] = c.Different,
            ["quantiles"] = new JsonArray([.. c.Quantiles.Select(q => (JsonNode)q)]),
            ["mean"] = double.IsNaN(c.Mean) ? null : c.Mean, ["counts"] = Json(c.Counts.Take(ValuesOfColumn)),
        })]),
        ["encodings"] = Json(preview.Encodings), ["notes"] = Json(preview.Notes),
    };

    /// <summary>The lengths and columns of series.</summary>
    /// <inheritdoc cref="Of(TextPreview, string)" path="/param"/>
    public static JsonObject Of(SeriesPreview preview, string source) => new()
    {
        ["source"] = source, ["kind"] = "series",
        ["lengths"] = new JsonArray([.. preview.Lengths.Select(l => (JsonNode)l)]),
        ["columns"] = new JsonArray([.. preview.Columns.Select(c => (JsonNode)new JsonObject
        {
            ["name"] = c.Name, ["least"] = c.Least, ["mean"] = c.Mean, ["deviation"] = c.Deviation,
            ["greatest"] = c.Greatest,
        })]),
        ["encodings"] = Json(preview.Encodings), ["notes"] = Json(preview.Notes),
    };

    /// <summary>The two sides of pairs, and the first pairs.</summary>
    /// <inheritdoc cref="Of(TextPreview, string)" path="/param"/>
    public static JsonObject Of(PairPreview preview, string source) => new()
    {
        ["source"] = source, ["kind"] = "pairs", ["pairs"] = preview.Pairs,
        ["sources"] = Json(preview.Source), ["targets"] = Json(preview.Target),
        ["first"] = new JsonArray([.. preview.First.Select(pair => (JsonNode)new JsonObject
        {
            ["source"] = pair.Source, ["target"] = pair.Target,
        })]),
        ["encodings"] = Json(preview.Encodings), ["notes"] = Json(preview.Notes),
    };

    /// <summary>The words and tags of sentences.</summary>
    /// <inheritdoc cref="Of(TextPreview, string)" path="/param"/>
    public static JsonObject Of(TaggedPreview preview, string source) => new()
    {
        ["source"] = source, ["kind"] = "tagged", ["sentences"] = preview.Sentences, ["words"] = preview.Words,
        ["differentWords"] = preview.DifferentWords, ["tags"] = Json(preview.Tags),
        ["encodings"] = Json(preview.Encodings), ["notes"] = Json(preview.Notes),
    };

    /// <summary>The size, number and classes of images.</summary>
    /// <inheritdoc cref="Of(TextPreview, string)" path="/param"/>
    public static JsonObject Of(ImagePreview preview, string source) => new()
    {
        ["source"] = source, ["kind"] = "images", ["pictures"] = preview.Count, ["width"] = preview.Schema.Width,
        ["height"] = preview.Schema.Height, ["channels"] = preview.Schema.Channels,
        ["classes"] = Json(preview.PerClass.Select(c => (c.Key, c.Value))), ["notes"] = Json(preview.Notes),
    };

    /// <summary>The lengths, rates, loudness and classes of sounds.</summary>
    /// <inheritdoc cref="Of(TextPreview, string)" path="/param"/>
    public static JsonObject Of(AudioPreview preview, string source) => new()
    {
        ["source"] = source, ["kind"] = "audio", ["sounds"] = preview.Count, ["seconds"] = preview.Seconds.Sum(),
        ["shortest"] = preview.Seconds.Min(), ["longest"] = preview.Seconds.Max(),
        ["sampleRates"] = Json(preview.SampleRates.Select(r => ($"{r.Key}", r.Value))),
        ["channels"] = Json(preview.Channels.Select(c => ($"{c.Key}", c.Value))), ["held"] = preview.Held,
        ["loudness"] = new JsonArray([.. Quantiles(preview.Loudness).Select(level => (JsonNode)level)]),
        ["classes"] = Json(preview.PerClass.Select(c => (c.Key, c.Value))), ["notes"] = Json(preview.Notes),
    };

    /// <summary>The lengths, sizes and classes of videos.</summary>
    /// <inheritdoc cref="Of(TextPreview, string)" path="/param"/>
    public static JsonObject Of(VideoPreview preview, string source) => new()
    {
        ["source"] = source, ["kind"] = "video", ["videos"] = preview.Count, ["fps"] = preview.Fps,
        ["seconds"] = preview.Seconds.Sum(), ["sizes"] = Json(preview.Sizes.Select(size => (size.Key, size.Value))),
        ["classes"] = Json(preview.PerClass.Select(c => (c.Key, c.Value))), ["notes"] = Json(preview.Notes),
    };

    /// <summary>The minimum, median and maximum of sorted numbers; empty if there are none.</summary>
    /// <param name="sorted">The numbers, in increasing order.</param>
    public static IReadOnlyList<double> Quantiles(IReadOnlyList<double> sorted) =>
        sorted.Count == 0 ? [] : [sorted[0], sorted[sorted.Count / 2], sorted[^1]];

    private static JsonObject Json(PairSide side) => new()
    {
        ["characters"] = side.Characters, ["longest"] = side.Longest, ["different"] = side.Different,
    };

    private static JsonObject Json(IReadOnlyDictionary<string, string> encodings) =>
        new(encodings.Select(e => KeyValuePair.Create<string, JsonNode?>(e.Key, e.Value)));

    private static JsonObject Json(IEnumerable<(string Name, int Count)> counts) =>
        new(counts.Select(c => KeyValuePair.Create<string, JsonNode?>(c.Name, c.Count)));

    private static JsonArray Json(IEnumerable<string> lines) => [.. lines.Select(line => (JsonNode)line)];
}
