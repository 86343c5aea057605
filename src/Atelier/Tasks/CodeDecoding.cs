using System.Globalization;
using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Tasks;

/// <summary>How models of sounds and videos choose the next code: the decoding options that have a meaning for
/// codes.</summary>
internal static class CodeDecoding
{
    // as Hugging Face's generation_config.json calls them
    private const string TemperatureKey = "temperature", TopKKey = "top_k", TopPKey = "top_p", MinPKey = "min_p",
        TypicalPKey = "typical_p", GuidanceKey = "guidance_scale";

    /// <summary>The names of the decoding options, in camel case.</summary>
    public static IReadOnlyList<string> Fields { get; } = ["temperature", "topK", "topP", "minP", "typicalP"];

    /// <summary>The keys of a recipe that set them.</summary>
    public static IReadOnlyList<string> Keys { get; } = [.. Fields.Select(field => $"generation.{field}")];

    /// <summary>Returns the options if they have a meaning for codes.</summary>
    /// <exception cref="AtelierException">An option has none, or an impossible value.</exception>
    public static DecodingOptions Check(DecodingOptions decoding)
    {
        DecodingOptions usual = new(), others = decoding.Check() with
        {
            Temperature = usual.Temperature, TopK = usual.TopK, TopP = usual.TopP, MinP = usual.MinP,
            TypicalP = usual.TypicalP, Stop = usual.Stop,
        };
        if (others != usual || decoding.Stop.Count > 0)
            throw new AtelierException("a model of codes supports some decoding options alone",
                hint: $"leave all out but {string.Join(", ", Fields.Select(Mention.Field))}");
        return decoding;
    }

    /// <summary>Returns the scale of classifier-free guidance of a request; 1 without classes.</summary>
    /// <param name="drawing">The sampling options; a model of codes supports guidance alone.</param>
    /// <param name="isConditional">Whether the model has classes.</param>
    /// <param name="usual">The scale of a request that sets none.</param>
    /// <exception cref="AtelierException">An option is not supported or out of its range.</exception>
    public static double Guidance(SamplingOptions? drawing, bool isConditional, double usual)
    {
        if (drawing is not null && drawing with { Guidance = null } != new SamplingOptions())
            throw new AtelierException("a model of codes has no sampler and no images to begin from",
                hint: "leave these options out");
        if (!isConditional && drawing?.Guidance is not null)
            throw new AtelierException("guidance needs classes", Mention.Field("guidance"), "leave it out");
        double guidance = drawing?.Guidance ?? usual;
        if (guidance is not (>= 0 and <= 100))
            throw new AtelierException(FormattableString.Invariant($"a guidance of {guidance}"),
                Mention.Field("guidance"), "write 0 to 100");
        return isConditional ? guidance : 1;
    }

    /// <summary>Mixes logits by classifier-free guidance (Ho and Salimans 2022, eq. 6, of logits).</summary>
    /// <param name="logits">First the rows of the class, then as many of any class, [2 · batch, codes].</param>
    /// <param name="guidance">w of w · class + (1 − w) · any.</param>
    /// <returns>[batch, codes].</returns>
    public static Tensor Guided(Tensor logits, double guidance)
    {
        Tensor[] halves = logits.chunk(2);
        return halves[0].Times(guidance).Plus(halves[1].Times(1 - guidance));
    }

    /// <summary>Returns the options of a request, with their defaults.</summary>
    public static IEnumerable<RequestOption> RequestOptions(DecodingOptions defaults) =>
        Fields.Select(field => new RequestOption(field, Default: (field switch
        {
            "temperature" => defaults.Temperature,
            "topK" => defaults.TopK,
            "topP" => defaults.TopP,
            "minP" => defaults.MinP,
            _ => defaults.TypicalP,
        }).ToString(CultureInfo.InvariantCulture)));

    /// <summary>Writes the defaults of a model to the generation_config.json of a bundle's folder.</summary>
    public static void Write(string folder, DecodingOptions decoding, double guidance) =>
        AtomicFile.WriteText(Path.Combine(folder, Bundle.GenerationConfigName), ConfigRecords.Write(new JsonObject
        {
            [TemperatureKey] = decoding.Temperature,
            [TopKKey] = decoding.TopK,
            [TopPKey] = decoding.TopP,
            [MinPKey] = decoding.MinP,
            [TypicalPKey] = decoding.TypicalP,
            [GuidanceKey] = guidance,
        }));

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <exception cref="AtelierException">The file is missing or damaged, or a value is impossible.</exception>
    public static (DecodingOptions Decoding, double Guidance) Read(Bundle bundle)
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
