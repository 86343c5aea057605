using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Evaluation;

namespace Atelier.Server.Api;

/// <summary>Writes figures and comparisons as JSON; values that are not finite are null.</summary>
internal static class FigureJson
{
    /// <summary>Returns a figure with its interval.</summary>
    public static JsonObject Of(Metric metric) => new()
    {
        ["value"] = Finite(metric.Value), ["low"] = Finite(metric.Low), ["high"] = Finite(metric.High),
        ["unit"] = metric.Unit,
    };

    /// <summary>Returns figures by name.</summary>
    public static JsonObject Of(IReadOnlyDictionary<string, Metric> metrics) =>
        new(metrics.Select(pair => KeyValuePair.Create<string, JsonNode?>(pair.Key, Of(pair.Value))));

    /// <summary>Returns a comparison: the difference with its interval, the basis, the outcome and the
    /// p-value.</summary>
    public static JsonObject Of(Comparison comparison)
    {
        JsonObject json = Of(comparison.Difference);
        json["basis"] = JsonNamingPolicy.SnakeCaseLower.ConvertName(comparison.Basis.ToString());
        json["outcome"] = JsonNamingPolicy.SnakeCaseLower.ConvertName(comparison.Outcome.ToString());
        json["p_value"] = comparison.PValue is { } p ? Finite(p) : null;
        return json;
    }

    /// <summary>Returns what a verdict is about.</summary>
    public static JsonObject Of(Headline headline) => new()
    {
        ["metric"] = headline.Metric, ["unit"] = headline.Unit, ["more_is_better"] = headline.MoreIsBetter,
        ["part"] = headline.Part,
    };

    /// <summary>Returns what a report was evaluated on, without the folders of this machine.</summary>
    public static string DataOf(EvaluationReport report) => report.Data.Split('/', '\\')[^1];

    private static JsonNode? Finite(double value) => double.IsFinite(value) ? value : null;
}
