using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Data.Images;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Runs;

namespace Atelier.Tasks.Images;

/// <summary>The description of a model's images in a bundle's config.json.</summary>
internal static class ImageBundle
{
    private const int MostSide = 1024;
    // as diffusers calls them
    private const string SamplerKey = "sampler", StepsKey = "num_inference_steps", GuidanceKey = "guidance_scale";

    /// <summary>Returns the keys of the description.</summary>
    public static JsonObject Write(ImageSchema schema) => new()
    {
        ["image_width"] = schema.Width,
        ["image_height"] = schema.Height,
        ["image_channels"] = schema.Channels,
        ["image_classes"] = new JsonArray([.. schema.Classes.Select(name => (JsonNode)name)]),
    };

    /// <summary>Reads the description.</summary>
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
