using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Data.Audio;
using Atelier.Data.Images;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Runs;

namespace Atelier.Tasks.Images;

/// <summary>The description of a model's images in a bundle's config.json.</summary>
internal static class ImageBundle
{
    private const int MostSide = 1024, MostRate = 192_000, MostSamples = 1 << 26;
    private const double MostDecibels = 1000;
    internal const string SpectrogramKey = "spectrogram";

    // as diffusers calls them
    private const string SamplerKey = "sampler", StepsKey = "num_inference_steps", GuidanceKey = "guidance_scale";

    /// <summary>Returns the keys of the description.</summary>
    public static JsonObject Write(ImageSchema schema)
    {
        var keys = new JsonObject
        {
            ["image_width"] = schema.Width,
            ["image_height"] = schema.Height,
            ["image_channels"] = schema.Channels,
            ["image_classes"] = new JsonArray([.. schema.Classes.Select(name => (JsonNode)name)]),
        };
        // as Hugging Face's feature extractors of sounds call them, as far as they have them
        if (schema.Spectrogram is { } sound)
        {
            keys[SpectrogramKey] = new JsonObject
            {
                ["sampling_rate"] = sound.Mel.SampleRate, ["samples"] = sound.Samples,
                ["feature_size"] = sound.Mel.MelCount, ["n_fft"] = sound.Mel.Window, ["hop_length"] = sound.Mel.Hop,
                ["min_frequency"] = sound.Mel.MinFrequency, ["max_frequency"] = sound.Mel.MaxFrequency,
                ["mel_scale"] = sound.Mel.Scale.ToString().ToLowerInvariant(),
                ["min_db"] = sound.LowestDecibels, ["max_db"] = sound.HighestDecibels,
            };
        }
        return keys;
    }

    /// <summary>Reads the description.</summary>
    /// <exception cref="AtelierException">Keys are missing, or describe impossible images.</exception>
    public static ImageSchema ReadSchema(ConfigFile config)
    {
        string[] classes = config.Root.TryGetProperty("image_classes", out JsonElement list)
            && list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray().Select(item => item.ToString())] : [];
        var schema = new ImageSchema(config.Integer("image_width"), config.Integer("image_height"),
            config.Integer("image_channels"), classes) { Spectrogram = ReadSpectrogram(config) };
        return schema is { Width: > 0 and <= MostSide, Height: > 0 and <= MostSide, Channels: 1 or 3 }
            && (schema.Spectrogram is not { } sound || (schema.Channels, schema.Height, schema.Width)
                == (1, sound.Mel.MelCount, sound.Width)) ? schema
            : throw new AtelierException("describes impossible images", config.Path, "export the model again");
    }

    private static SpectrogramFormat? ReadSpectrogram(ConfigFile config)
    {
        if (!config.Root.TryGetProperty(SpectrogramKey, out JsonElement keys))
            return null;
        try
        {
            int Integer(string key) => keys.GetProperty(key).GetInt32();
            double Number(string key) => keys.GetProperty(key).GetDouble();
            var scale = Enum.Parse<MelScale>(keys.GetProperty("mel_scale").GetString()!, ignoreCase: true);
            var sound = new SpectrogramFormat(new(Integer("sampling_rate"), Integer("feature_size"), Integer("n_fft"),
                Integer("hop_length"), Number("min_frequency"), Number("max_frequency"), scale), Integer("samples"),
                Number("min_db"), Number("max_db"));
            (MelSettings mel, double lowest, double highest) =
                (sound.Mel, sound.LowestDecibels, sound.HighestDecibels);
            if (mel is { SampleRate: > 0 and <= MostRate, MelCount: > 0 and <= MostSide, Window: >= 16 and <= 65_536 }
                && mel.Hop > 0 && mel.Hop <= mel.Window / 2 && sound.Samples is > 0 and <= MostSamples
                && mel.MinFrequency >= 0 && mel.MaxFrequency > mel.MinFrequency
                && mel.MaxFrequency <= mel.SampleRate / 2.0 && lowest >= -MostDecibels && highest > lowest
                && highest <= MostDecibels)
                return sound;
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException
            or ArgumentException)
        {
            throw new AtelierException($"describes no spectrogram: {e.Message.TrimEnd('.')}", config.Path,
                "export the model again", e);
        }
        throw new AtelierException("describes an impossible spectrogram", config.Path, "export the model again");
    }

    /// <summary>Writes the sampling defaults of a model to the generation_config.json of a bundle's folder.</summary>
    public static void WriteSampling(string folder, SamplingDefaults sampling) =>
        AtomicFile.WriteText(Path.Combine(folder, Bundle.GenerationConfigName), ConfigRecords.Write(new JsonObject
        {
            [SamplerKey] = sampling.Sampler,
            [StepsKey] = sampling.Steps,
            [GuidanceKey] = sampling.Guidance,
        }));

    /// <summary>Reads the sampling defaults of a bundle.</summary>
    /// <param name="bundle">The bundle.</param>
    /// <param name="config">Its config.json, which holds them in bundles of earlier versions.</param>
    /// <exception cref="AtelierException">The file is damaged, or a value is impossible.</exception>
    public static SamplingDefaults ReadSampling(Bundle bundle, ConfigFile config)
    {
        bool isEarlier = !File.Exists(bundle.GenerationConfigPath);
        ConfigFile file = isEarlier ? config : ConfigFile.Read(bundle.GenerationConfigPath);
        var usual = new SamplingDefaults();
        return file.Check(new SamplingDefaults
        {
            Sampler = file.String(SamplerKey, usual.Sampler),
            Steps = file.Integer(isEarlier ? "sampler_steps" : StepsKey, usual.Steps),
            Guidance = file.Number(isEarlier ? "guidance" : GuidanceKey, usual.Guidance),
        });
    }
}
