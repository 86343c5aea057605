using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Atelier.Data.Images;
using Atelier.Decoding;
using Atelier.Runs;

namespace Atelier.Models.Layers;

/// <summary>What a picture's file says of its making: enough to make it again.</summary>
/// <param name="Model">Which model made it.</param>
/// <param name="Request">What was asked of the model.</param>
public sealed record PictureOrigin(BundleIdentity Model, GenerationRequest Request)
{
    private const string Software = "Atelier";

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The texts of a PNG: the request as JSON, its seed, the run's id and recipe, and the SHA-256 of the weights.</summary>
    public IReadOnlyDictionary<string, string> ToTexts()
    {
        var texts = new Dictionary<string, string>
        {
            ["Software"] = Software,
            ["Seed"] = Request.Seed.ToString(CultureInfo.InvariantCulture),
            ["Request"] = JsonSerializer.Serialize(new Asked(Request.Count, Request.Only, Request.Seed, Request.Class, Request.Drawing), Json),
            ["Weights"] = Model.Weights,
        };
        if (Model.RunId is { } id)
            texts["Run"] = id;
        if (Model.Recipe is { } recipe)
            texts["Recipe"] = recipe;
        return texts;
    }

    /// <summary>Reads the texts of a PNG that atelier generate made.</summary>
    /// <exception cref="AtelierException">It is no PNG, or does not say how it was made.</exception>
    public static PictureOrigin Read(string path)
    {
        IReadOnlyDictionary<string, string> texts = PngTexts.Read(path);
        try
        {
            if (texts.GetValueOrDefault("Software") != Software || JsonSerializer.Deserialize<Asked>(texts["Request"], Json) is not { } asked)
                throw new KeyNotFoundException("it says nothing of Atelier");
            var request = new GenerationRequest { Count = asked.Count, Only = asked.Only, Seed = asked.Seed, Class = asked.Class, Drawing = asked.Drawing };
            return new(new BundleIdentity(texts.GetValueOrDefault("Run"), texts["Weights"], texts.GetValueOrDefault("Recipe")), request);
        }
        catch (Exception e) when (e is KeyNotFoundException or JsonException)
        {
            throw new AtelierException("does not say how it was made", path, "give a PNG that atelier generate made, not changed since", e);
        }
    }

    private sealed record Asked(int Count, int? Only, long Seed, string? Class, DrawingOptions? Drawing);
}
