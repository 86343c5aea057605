using System.Text.Json.Nodes;

namespace Atelier.Server.Uploads;

/// <summary>Takes the folders of uploads and runs out of texts for others.</summary>
internal sealed class PathRedaction(ServerOptions options, UploadStore uploads)
{
    private readonly string[] _folders =
    [
        .. new[] { uploads.Folder, options.RunsFolder is null ? null : Path.GetFullPath(options.RunsFolder) }
            .OfType<string>().Select(folder => folder + Path.DirectorySeparatorChar),
    ];

    /// <summary>Returns a text without the folders.</summary>
    public string Redact(string text) =>
        _folders.Aggregate(text, (said, folder) => said.Replace(folder, "", StringComparison.Ordinal));

    /// <summary>Returns JSON whose texts and names lack the folders.</summary>
    public JsonNode? Redact(JsonNode? node) => node switch
    {
        JsonObject json => new JsonObject(json.Select(pair =>
            KeyValuePair.Create(Redact(pair.Key), Redact(pair.Value)))),
        JsonArray list => new JsonArray([.. list.Select(Redact)]),
        JsonValue value when value.TryGetValue(out string? text) => Redact(text),
        _ => node?.DeepClone(),
    };
}
