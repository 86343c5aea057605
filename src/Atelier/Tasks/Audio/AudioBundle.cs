using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Data.Audio;
using Atelier.Data.Images;
using Atelier.Formats;
using Atelier.Tasks.Images;

namespace Atelier.Tasks.Audio;

/// <summary>The description of a model's sounds in a bundle's config.json.</summary>
internal static class AudioBundle
{
    private const int MostRate = 192_000, MostClipSeconds = 600;

    // sampling_rate as Hugging Face's feature extractors call it
    private const string RateKey = "sampling_rate", ChannelsKey = "audio_channels", FramesKey = "audio_clip_frames",
        ClassesKey = "audio_classes";

    /// <summary>Returns the keys of the description.</summary>
    public static JsonObject Write(AudioSchema schema) => new()
    {
        [RateKey] = schema.SampleRate,
        [ChannelsKey] = schema.Channels,
        [FramesKey] = schema.ClipFrames,
        [ClassesKey] = new JsonArray([.. schema.Classes.Select(name => (JsonNode)name)]),
    };

    /// <summary>Reads the description.</summary>
    /// <exception cref="AtelierException">Keys are missing, or describe impossible sounds.</exception>
    public static AudioSchema ReadSchema(ConfigFile config)
    {
        if (config.Root.TryGetProperty(ImageBundle.SpectrogramKey, out _))
        {
            ImageSchema images = ImageBundle.ReadSchema(config);
            return new(images.Spectrogram!.Mel.SampleRate, 1, images.Spectrogram.Samples, images.Classes);
        }
        string[] classes = config.Root.TryGetProperty(ClassesKey, out JsonElement list)
            && list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray().Select(item => item.ToString())] : [];
        var schema = new AudioSchema(config.Integer(RateKey), config.Integer(ChannelsKey), config.Integer(FramesKey),
            classes);
        return schema is { SampleRate: >= 1000 and <= MostRate, Channels: 1 or 2, ClipFrames: > 0 }
            && schema.ClipSeconds <= MostClipSeconds ? schema
            : throw new AtelierException("describes impossible sounds", config.Path, "export the model again");
    }
}
