using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Abstractions;

namespace Atelier.Explain;

/// <summary>Writes explanations of texts as JSON.</summary>
public static class TextExplanationJson
{
    private const int Digits = 5; // of weights that are written as numbers

    /// <summary>Writes an explanation.</summary>
    /// <param name="explanation">The explanation.</param>
    /// <param name="key">Returns the name of a key from its name in camel case.</param>
    /// <param name="inBytes">Whether the weights of attention of a layer are written as one string, the base64 of
    /// little-endian fp32 numbers, instead of nested lists.</param>
    public static JsonObject Write(TextExplanation explanation, Func<string, string> key, bool inBytes = false)
    {
        return new JsonObject
        {
            ["tokens"] = List(explanation.Tokens, Token),
            ["target"] = List(explanation.Target, Token),
            ["attention"] = List(explanation.Attention, map => new JsonObject
            {
                ["kind"] = map.Kind.ToString().ToLowerInvariant(),
                ["layers"] = map.Weights.Count, ["heads"] = map.HeadCount,
                ["queries"] = map.QueryCount, ["keys"] = map.KeyCount,
                ["weights"] = List(map.Weights, layer => inBytes ? Bytes(layer)
                    : List(layer.Chunk(map.QueryCount * map.KeyCount), head => Rows(head, map.KeyCount))),
                ["rollout"] = map.Rollout is not { } rollout ? null
                    : inBytes ? Bytes(rollout) : Rows(rollout, map.KeyCount),
            }),
            ["lens"] = List(explanation.Lens, layer => List(layer, one => new JsonObject
            {
                ["top"] = List(one.Top, Predicted), [key("logProbability")] = Finite(one.LogProbability),
            })),
            ["states"] = List(explanation.States, row => List(row, value => Math.Round(value, Digits))),
            ["prediction"] = explanation.Prediction is not { } prediction ? null : new JsonObject
            {
                ["position"] = prediction.Position,
                ["query"] = prediction.Query,
                ["token"] = Predicted(prediction.Token),
                ["alternatives"] = List(prediction.Alternatives, Predicted),
                ["occlusion"] = Effects(prediction.Effects(AttributionMethod.Occlusion)),
                ["attributions"] = List(prediction.Attributions.Where(one => one.Method != AttributionMethod.Occlusion),
                    one => new JsonObject
                    {
                        ["method"] = NameOf(one.Method),
                        ["points"] = one.Completeness?.Points,
                        ["change"] = one.Completeness?.Change,
                        ["sum"] = one.Completeness?.Sum,
                        ["effects"] = Effects(one.Tokens),
                    }),
            },
        };

        JsonArray Effects(IReadOnlyList<TokenEffect> effects) => List(effects, one => new JsonObject
        {
            [key("isTarget")] = one.IsTarget, ["position"] = one.Position, ["effect"] = Finite(one.Effect),
        });

        JsonNode Token(ExplainedToken token) => new JsonObject
        {
            ["id"] = token.Id, ["text"] = token.Text, [key("logProbability")] = Finite(token.LogProbability),
        };

        JsonNode Predicted(PredictedToken token) => new JsonObject
        {
            ["id"] = token.Id, ["text"] = token.Text, [key("logProbability")] = Finite(token.LogProbability),
        };
    }

    /// <summary>Returns the name of a method of attribution: "integrated-gradients".</summary>
    public static string NameOf(AttributionMethod method) =>
        JsonNamingPolicy.KebabCaseLower.ConvertName(method.ToString());

    private static JsonArray List<T>(IEnumerable<T> values, Func<T, JsonNode> write) =>
        new([.. values.Select(write)]);

    private static JsonArray Rows(float[] matrix, int columns) => List(matrix.Chunk(columns),
        row => List(row, value => (JsonNode)Math.Round((double)value, Digits)));

    private static JsonNode Bytes(float[] values) =>
        Convert.ToBase64String(MemoryMarshal.AsBytes<float>(values));

    // JSON has no infinity: the logarithm of probability 0 is written as null
    private static JsonNode? Finite(double? value) => value is { } known && double.IsFinite(known) ? known : null;
}
