using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Data.Video;
using Atelier.Formats;

namespace Atelier.Tasks.Video;

/// <summary>The description of a model's clips in a bundle's config.json.</summary>
internal static class VideoBundle
{
    private const string WidthKey = "video_width", HeightKey = "video_height", ChannelsKey = "video_channels",
        FramesKey = "video_frames", FpsKey = "video_fps", ClassesKey = "video_classes";

    /// <summary>Returns the keys of the description.</summary>
    public static JsonObject Write(VideoSchema schema) => new()
    {
        [WidthKey] = schema.Width,
        [HeightKey] = schema.Height,
        [ChannelsKey] = schema.Channels,
        [FramesKey] = schema.Frames,
        [FpsKey] = schema.Fps,
        [ClassesKey] = new JsonArray([.. schema.Classes.Select(name => (JsonNode)name)]),
    };

    /// <summary>Reads the description.</summary>
    /// <exception cref="AtelierException">Keys are missing, or describe impossible clips.</exception>
    public static VideoSchema ReadSchema(ConfigFile config)
    {
        string[] classes = config.Root.TryGetProperty(ClassesKey, out JsonElement list)
            && list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray().Select(item => item.ToString())] : [];
        var schema = new VideoSchema(config.Integer(WidthKey), config.Integer(HeightKey), config.Integer(ChannelsKey),
            config.Integer(FramesKey), config.Number(FpsKey, 0), classes);
        return schema.IsPossible ? schema
            : throw new AtelierException("describes impossible videos", config.Path, "export the model again");
    }
}
