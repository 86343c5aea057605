using System.Globalization;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using Atelier.Abstractions;
using Atelier.Data.Audio;
using Atelier.Data.Images;
using Atelier.Runs;

namespace Atelier.Tasks;

/// <summary>How an image or a sound was generated, as recorded in its file: enough to generate it again.</summary>
/// <param name="Model">The identity of the model.</param>
/// <param name="Request">The request.</param>
public sealed record SampleOrigin(BundleIdentity Model, GenerationRequest Request)
{
    /// <summary>The identity of the model that enlarged an image; null for none.</summary>
    public BundleIdentity? Upscaler { get; init; }

    /// <summary>The identity of the model that computed a sound from its spectrogram; null for none.</summary>
    public BundleIdentity? Vocoder { get; init; }

    /// <summary>The SHA-256 of each file of the request by name, at the time when the sample was generated.</summary>
    public IReadOnlyDictionary<string, string> Files { get; init; } = new Dictionary<string, string>();

    private const string Software = "Atelier", UpscalerPrefix = "Upscaler", VocoderPrefix = "Vocoder";

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>
    /// Returns the texts to store in a file: the request as JSON, its seed, and for each model the run's id and recipe
    /// and the SHA-256 of the weights.
    /// </summary>
    public IReadOnlyDictionary<string, string> ToTexts()
    {
        var texts = new Dictionary<string, string>
        {
            ["Software"] = Software,
            ["Seed"] = Request.Seed.ToString(CultureInfo.InvariantCulture),
            ["Request"] =
                JsonSerializer.Serialize(new Asked(Request.Count, Request.Only, Request.Seed, Request.Class,
                Drawing.Of(Request.Drawing), Hashes(Request), Request.Decoding, Request.Seconds,
                Request.Input?.Name, Request.Gap), Json),
        };
        Add(Model, "");
        if (Upscaler is not null)
            Add(Upscaler, UpscalerPrefix);
        if (Vocoder is not null)
            Add(Vocoder, VocoderPrefix);
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

    /// <summary>Reads what a file that was generated records: a PNG, WAV or Opus file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="images">Loads an image that the request used, by its name, or the images of a folder.</param>
    /// <param name="inputs">Loads another file that the request used, by its name; null if there is none.</param>
    /// <exception cref="AtelierException">It is no such file, or has no record of how it was generated.</exception>
    public static SampleOrigin Read(InputData file, Func<string, IReadOnlyList<InputImage>> images,
        Func<string, InputData>? inputs = null)
    {
        IReadOnlyDictionary<string, string> texts = AudioTags.IsSound(file.Content.Span)
            ? AudioTags.Read(file.Content.Span, file.Name) : PngTexts.Read(new InputImage(file.Content, file.Name));
        try
        {
            if (texts.GetValueOrDefault("Software") != Software
                || JsonSerializer.Deserialize<Asked>(texts["Request"], Json) is not { } asked)
                throw new KeyNotFoundException("it was not written by Atelier");
            var request = new GenerationRequest { Count = asked.Count, Only = asked.Only, Seed = asked.Seed,
                Class = asked.Class, Drawing = asked.Drawing?.Load(images), Decoding = asked.Decoding,
                Seconds = asked.Seconds, Gap = asked.Gap,
                Input = asked.Input is { } name ? inputs?.Invoke(name) : null };
            return new(Identity(""), request)
            {
                Files = asked.Files ?? new Dictionary<string, string>(),
                Upscaler = texts.ContainsKey(UpscalerPrefix + "Weights") ? Identity(UpscalerPrefix) : null,
                Vocoder = texts.ContainsKey(VocoderPrefix + "Weights") ? Identity(VocoderPrefix) : null,
            };
        }
        catch (Exception e) when (e is KeyNotFoundException or JsonException)
        {
            throw new AtelierException("does not record how it was generated", file.Name,
                $"give a file that {Mention.Command("generate")} made, not changed since", e);
        }

        BundleIdentity Identity(string prefix) =>
            new(texts.GetValueOrDefault(prefix + "Run"), texts[prefix + "Weights"],
            texts.GetValueOrDefault(prefix + "Recipe"));
    }

    /// <summary>Throws if a file of the request has changed since the sample was generated.</summary>
    /// <exception cref="AtelierException">One is missing, has changed, or was added to a folder.</exception>
    public void CheckFiles()
    {
        IReadOnlyDictionary<string, string> now = Hashes(Request);
        string? changed = Files.Count == 0 ? null // files of earlier versions do not hold them
            : now.Keys.Union(Files.Keys)
                .FirstOrDefault(file => now.GetValueOrDefault(file) != Files.GetValueOrDefault(file));
        if (changed is not null)
            throw new AtelierException("has changed since this was generated from it", changed,
                "restore the original file");
    }

    /// <summary>The SHA-256 of each file of a request, in lower-case hexadecimal digits.</summary>
    private static Dictionary<string, string> Hashes(GenerationRequest request) =>
        new[] { request.Drawing?.From, request.Drawing?.Mask }.OfType<InputImage>()
            .Concat(request.Drawing?.Interpolate?.Images ?? []).Select(image => (image.Name, image.Content))
            .Concat(request.Input is { } input ? [(input.Name, input.Content)] : [])
            .DistinctBy(file => file.Name)
            .ToDictionary(file => file.Name, file => Convert.ToHexStringLower(SHA256.HashData(file.Content.Span)));

    private sealed record Asked(int Count, int? Only, long Seed, string? Class, Drawing? Drawing,
        IReadOnlyDictionary<string, string>? Files = null, DecodingOptions? Decoding = null, double? Seconds = null,
        string? Input = null, TimeRange? Gap = null);

    /// <summary>Sampling options with the names of images in place of their bytes.</summary>
    /// <param name="Sampler">As in <see cref="SamplingOptions"/>, and so are the numbers.</param>
    /// <param name="Steps">The same.</param>
    /// <param name="Guidance">The same.</param>
    /// <param name="From">The name of the image.</param>
    /// <param name="Strength">The same.</param>
    /// <param name="Mask">The name of the image.</param>
    /// <param name="Interpolate">Seeds, separated by commas; in files of earlier versions also a folder of
    /// images.</param>
    /// <param name="Ends">The names of the images to interpolate between.</param>
    private sealed record Drawing(string? Sampler, int? Steps, double? Guidance, string? From, double? Strength,
        string? Mask, string? Interpolate, IReadOnlyList<string>? Ends = null)
    {
        public static Drawing? Of(SamplingOptions? options) => options is null ? null
            : new(options.Sampler, options.Steps, options.Guidance, options.From?.Name, options.Strength,
                options.Mask?.Name, options.Interpolate is { AreSeeds: true, Seeds: var seeds }
                    ? string.Join(',', seeds.Select(seed => seed.ToString(CultureInfo.InvariantCulture))) : null,
                options.Interpolate is { AreSeeds: false, Images: var ends }
                    ? [.. ends.Select(end => end.Name)] : null);

        public SamplingOptions Load(Func<string, IReadOnlyList<InputImage>> load) => new()
        {
            Sampler = Sampler, Steps = Steps, Guidance = Guidance, Strength = Strength,
            From = From is null ? null : load(From)[0], Mask = Mask is null ? null : load(Mask)[0],
            Interpolate = Ends is not null ? new InterpolationEnds([.. Ends.SelectMany(load)])
                : Interpolate is null ? null
                : InterpolationEnds.ParseSeeds(Interpolate) ?? new InterpolationEnds(load(Interpolate)),
        };
    }
}
