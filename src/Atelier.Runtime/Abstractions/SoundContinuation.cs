using System.Globalization;
using System.Text.Json.Nodes;

namespace Atelier.Abstractions;

/// <summary>How a generated sound compares with the given one that it continues.</summary>
/// <param name="GivenSeconds">The length of the given beginning in seconds.</param>
/// <param name="ChromaSimilarity">The cosine of the angle between the mean chroma vectors of both: 1 where the twelve
/// pitch classes are equally strong, 0 where none is in common; null if one of them is silent.</param>
/// <param name="GivenTempo">The tempo of the given beginning in beats per minute; null if it has none, or is too
/// short.</param>
/// <param name="Tempo">The tempo of the continuation; null if it has none, or is too short.</param>
public sealed record SoundContinuation(double GivenSeconds, double? ChromaSimilarity, double? GivenTempo,
    double? Tempo)
{
    /// <summary>A line that shows the values.</summary>
    public string Shown
    {
        get
        {
            string Number(double? value, string unit) =>
                value is null ? "none" : string.Create(CultureInfo.InvariantCulture, $"{value:0.##}{unit}");
            return $"continues {Number(GivenSeconds, " s")}: chroma similarity {Number(ChromaSimilarity, "")}; tempo "
                + $"{Number(GivenTempo, " bpm")} before, {Number(Tempo, " bpm")} after";
        }
    }

    /// <summary>Returns the values for `--json`.</summary>
    public JsonObject ToJson() => new()
    {
        ["givenSeconds"] = GivenSeconds,
        ["chromaSimilarity"] = ChromaSimilarity,
        ["givenTempo"] = GivenTempo,
        ["tempo"] = Tempo,
    };
}
