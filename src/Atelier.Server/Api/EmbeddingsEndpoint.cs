using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Server.Observing;
using Atelier.Server.Serving;

namespace Atelier.Server.Api;

/// <summary>The body of a request for the vectors of texts.</summary>
internal sealed record EmbeddingFields : RequestFields
{
    /// <summary>A text, or a list of texts.</summary>
    public JsonElement? Input { get; init; }

    /// <summary>The form of vectors: float or base64.</summary>
    public string? EncodingFormat { get; init; }

    /// <summary>The number of elements of a vector; the model's own alone is possible.</summary>
    public int? Dimensions { get; init; }
}

/// <summary>POST /v1/embeddings: texts as vectors.</summary>
internal sealed class EmbeddingsEndpoint(ModelStore models)
{
    private const int MostTexts = 2048;

    public async Task InvokeAsync(HttpContext context)
    {
        EmbeddingFields body = await RequestBody.ReadAsync<EmbeddingFields>(context, "user").ConfigureAwait(false);
        using ModelLease lease = await models.RequireAsync(body.Model, context.RequestAborted).ConfigureAwait(false);
        ITextEmbedder embedder = lease.Model.As<ITextEmbedder>()
            ?? throw ApiException.Invalid("model", $"the model '{body.Model}' does not turn texts into vectors");
        string[] texts = Texts(body.Input);
        if (body.EncodingFormat is not (null or "float" or "base64"))
            throw ApiException.Invalid("encoding_format",
                $"'{body.EncodingFormat}' is unknown; allowed: float, base64");
        if (body.Dimensions is { } wanted && wanted != embedder.EmbeddingSize)
            throw ApiException.Invalid("dimensions", FormattableString.Invariant(
                $"dimensions is {wanted}, but the model's vectors have {embedder.EmbeddingSize} elements"));
        using var measured = ServerMetrics.Begin(lease.Served.Name, promptTokens: 0);
        using IDisposable slot = await lease.Served.Queue.EnterAsync(1, context.RequestAborted).ConfigureAwait(false);
        measured.Started();
        CancellationToken cancellation = context.RequestAborted;
        (IReadOnlyList<float[]> vectors, long tokens) = await Task.Run(() =>
            (embedder.Embed(texts, cancellation), texts.Sum(text => (long)embedder.CountTokens(text))), cancellation)
            .ConfigureAwait(false);
        await JsonAnswer.WriteAsync(context, new JsonObject
        {
            ["object"] = "list",
            ["data"] = new JsonArray([.. vectors.Select((vector, i) => (JsonNode)new JsonObject
            {
                ["object"] = "embedding", ["index"] = i, ["embedding"] = Written(vector, body.EncodingFormat),
            })]),
            ["model"] = body.Model,
            ["usage"] = new JsonObject { ["prompt_tokens"] = tokens, ["total_tokens"] = tokens },
        }).ConfigureAwait(false);
    }

    private static JsonNode Written(float[] vector, string? format) => format == "base64"
        ? Convert.ToBase64String(MemoryMarshal.AsBytes<float>(vector))
        : new JsonArray([.. vector.Select(value => (JsonNode)value)]);

    private static string[] Texts(JsonElement? field)
    {
        JsonElement input = field ?? default;
        string[] texts = input.ValueKind switch
        {
            JsonValueKind.String => [input.GetString()!],
            JsonValueKind.Array when input.EnumerateArray().All(one => one.ValueKind == JsonValueKind.String) =>
                [.. input.EnumerateArray().Select(one => one.GetString()!)],
            _ => throw ApiException.Invalid("input", "'input' is neither a text nor a list of texts"),
        };
        return texts.Length is > 0 and <= MostTexts ? texts
            : throw ApiException.Invalid("input", FormattableString.Invariant(
                $"'input' has {texts.Length} texts; allowed: 1 to {MostTexts}"));
    }
}
