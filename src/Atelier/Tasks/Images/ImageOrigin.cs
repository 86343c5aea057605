using System.Globalization;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Formats;
using Atelier.Runs;

namespace Atelier.Tasks.Images;

/// <summary>How an image was generated, as recorded in its file: enough to generate it again.</summary>
/// <param name="Model">Which model made it.</param>
/// <param name="Request">What was asked of the model.</param>
public sealed record ImageOrigin(BundleIdentity Model, GenerationRequest Request)
{
    /// <summary>Which model enlarged it; null for none.</summary>
    public BundleIdentity? Upscaler { get; init; }

    /// <summary>
    /// The SHA-256 of each file that the request names, by its path, as it was when the picture was made.
    /// </summary>
    public IReadOnlyDictionary<string, string> Files { get; init; } = new Dictionary<string, string>();

    private const string Software = "Atelier", UpscalerPrefix = "Upscaler";

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>
    /// The texts of a PNG: the request as JSON, its seed, and of each model the run's id and recipe and the SHA-256 of
    /// the weights.
    /// </summary>
    public IReadOnlyDictionary<string, string> ToTexts()
    {
        var texts = new Dictionary<string, string>
        {
            ["Software"] = Software,
            ["Seed"] = Request.Seed.ToString(CultureInfo.InvariantCulture),
            ["Request"] =
                JsonSerializer.Serialize(new Asked(Request.Count, Request.Only, Request.Seed, Request.Class,
                Request.Drawing, FilesOf(Request.Drawing)), Json),
        };
        Add(Model, "");
        if (Upscaler is not null)
            Add(Upscaler, UpscalerPrefix);
        return texts;

        void Add(BundleIdentity model, string prefix)
        {
            texts[prefix + "Weights"] = model.Weights;
            if (model.RunId is { } id)
                texts[prefix + "Run"] = id;
            if (model.Recipe is { } recipe)
                texts[prefix + "Recipe"] = recipe;
        }
    }

    /// <summary>Reads the texts of a PNG that atelier generate made.</summary>
    /// <exception cref="AtelierException">It is no PNG, or has no record of how it was generated.</exception>
    public static ImageOrigin Read(string path)
    {
        IReadOnlyDictionary<string, string> texts = PngTexts.Read(path);
        try
        {
            if (texts.GetValueOrDefault("Software") != Software
                || JsonSerializer.Deserialize<Asked>(texts["Request"], Json) is not { } asked)
                throw new KeyNotFoundException("it says nothing of Atelier");
            var request = new GenerationRequest { Count = asked.Count, Only = asked.Only, Seed = asked.Seed,
                Class = asked.Class, Drawing = asked.Drawing };
            return new(Identity(""), request)
            {
                Files = asked.Files ?? new Dictionary<string, string>(),
                Upscaler = texts.ContainsKey(UpscalerPrefix + "Weights") ? Identity(UpscalerPrefix) : null,
            };
        }
        catch (Exception e) when (e is KeyNotFoundException or JsonException)
        {
            throw new AtelierException("does not say how it was made", path,
                $"give a PNG that {Mention.Command("generate")} made, not changed since", e);
        }

        BundleIdentity Identity(string prefix) =>
            new(texts.GetValueOrDefault(prefix + "Run"), texts[prefix + "Weights"],
            texts.GetValueOrDefault(prefix + "Recipe"));
    }

    /// <summary>Throws where a file that the request names is not what it was when the picture was made.</summary>
    /// <exception cref="AtelierException">One is gone, has changed, or was added to a folder.</exception>
    public void CheckFiles()
    {
        IReadOnlyDictionary<string, string> now = FilesOf(Request.Drawing);
        string? changed = Files.Count == 0 ? null // a picture from before files' contents were kept
            : now.Keys.Union(Files.Keys)
                .FirstOrDefault(file => now.GetValueOrDefault(file) != Files.GetValueOrDefault(file));
        if (changed is not null)
            throw new AtelierException("is not what it was when the picture was drawn from it", changed,
                "bring back the file as it was");
    }

    /// <summary>The SHA-256 of each file that drawing options name, in lower-case hexadecimal digits.</summary>
    private static Dictionary<string, string> FilesOf(SamplingOptions? drawing)
    {
        IEnumerable<string> files = new[] { drawing?.From, drawing?.Mask }.OfType<string>()
            .Concat(drawing?.Interpolate is { } ends ? Interpolation.Files(ends) : []);
        return files.Distinct().ToDictionary(file => file, file =>
        {
            try
            {
                using FileStream stream = InputFile.Open(file);
                return Convert.ToHexStringLower(SHA256.HashData(stream));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new AtelierException("cannot be read: " + e.Message.TrimEnd('.'), file,
                    "bring back the file as it was", e);
            }
        });
    }

    private sealed record Asked(int Count, int? Only, long Seed, string? Class, SamplingOptions? Drawing,
        IReadOnlyDictionary<string, string>? Files = null);
}
