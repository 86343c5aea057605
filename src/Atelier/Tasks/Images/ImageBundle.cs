using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Data.Images;
using Atelier.Formats;

namespace Atelier.Tasks.Images;

/// <summary>The description of a model's images in a bundle's config.json.</summary>
internal static class ImageBundle
{
    private const int MostSide = 1024;

    /// <summary>The keys of that description.</summary>
    public static JsonObject Write(ImageSchema schema) => new()
    {
        ["image_width"] = schema.Width,
        ["image_height"] = schema.Height,
        ["image_channels"] = schema.Channels,
        ["image_classes"] = new JsonArray([.. schema.Classes.Select(name => (JsonNode)name)]),
    };

    /// <summary>Reads them back.</summary>
    /// <exception cref="AtelierException">Keys are missing, or describe impossible images.</exception>
    public static ImageSchema ReadSchema(ConfigFile config)
    {
        string[] classes = config.Root.TryGetProperty("image_classes", out JsonElement list)
            && list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray().Select(item => item.ToString())] : [];
        var schema = new ImageSchema(config.Integer("image_width"), config.Integer("image_height"),
            config.Integer("image_channels"), classes);
        return schema is { Width: > 0 and <= MostSide, Height: > 0 and <= MostSide, Channels: 1 or 3 } ? schema
            : throw new AtelierException("describes impossible images", config.Path, "export the model again");
    }
}
