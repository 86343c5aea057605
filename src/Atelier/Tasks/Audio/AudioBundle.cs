using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Data.Audio;
using Atelier.Data.Images;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks.Images;

namespace Atelier.Tasks.Audio;

/// <summary>The description of a model's sounds in a bundle's config.json.</summary>
internal static class AudioBundle
{
    private const int MostRate = 192_000, MostClipSeconds = 600;

    // sampling_rate as Hugging Face's feature extractors call it
    private const string RateKey = "sampling_rate", ChannelsKey = "audio_channels", FramesKey = "audio_clip_frames",
        ClassesKey = "audio_classes";

    // as Hugging Face's generation_config.json calls them
    private const string TemperatureKey = "temperature", TopKKey = "top_k", TopPKey = "top_p", MinPKey = "min_p",
        TypicalPKey = "typical_p", GuidanceKey = "guidance_scale";

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

    /// <summary>Writes the defaults of a model of codes to the generation_config.json of a bundle's folder.</summary>
    public static void WriteDecoding(string folder, DecodingOptions decoding, double guidance) =>
        AtomicFile.WriteText(Path.Combine(folder, Bundle.GenerationConfigName), ConfigRecords.Write(new JsonObject
        {
            [TemperatureKey] = decoding.Temperature,
            [TopKKey] = decoding.TopK,
            [TopPKey] = decoding.TopP,
            [MinPKey] = decoding.MinP,
            [TypicalPKey] = decoding.TypicalP,
            [GuidanceKey] = guidance,
        }));

    /// <summary>Reads what <see cref="WriteDecoding"/> wrote.</summary>
    /// <exception cref="AtelierException">The file is missing or damaged, or a value is impossible.</exception>
    public static (DecodingOptions Decoding, double Guidance) ReadDecoding(Bundle bundle)
    {
        var file = ConfigFile.Read(bundle.GenerationConfigPath);
        var usual = new DecodingOptions();
        return (file.Check(usual with
        {
            Temperature = file.Number(TemperatureKey, usual.Temperature),
            TopK = file.Integer(TopKKey, usual.TopK),
            TopP = file.Number(TopPKey, usual.TopP),
            MinP = file.Number(MinPKey, usual.MinP),
            TypicalP = file.Number(TypicalPKey, usual.TypicalP),
        }), file.Check(new SamplingDefaults { Guidance = file.Number(GuidanceKey, 1) }).Guidance);
    }
}
