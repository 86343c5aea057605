using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Explain;
using Atelier.Generation;
using Atelier.Server.Observing;
using Atelier.Server.Serving;
using Atelier.Tasks.Images;

namespace Atelier.Server.Api;

/// <summary>The body of a request to explain what a model does with a text.</summary>
internal sealed record ExplainFields : RequestFields
{
    /// <summary>The text.</summary>
    public string? Text { get; init; }

    /// <summary>The target of an encoder-decoder; by default, the one that the model writes.</summary>
    public string? Target { get; init; }

    /// <summary>The position of the token whose prediction is explained.</summary>
    public int? Token { get; init; }

    /// <summary>The number of most probable tokens of each prediction.</summary>
    public int? Alternatives { get; init; }

    /// <summary>Whether to compute the effect of each token; true by default.</summary>
    public bool? Occlusion { get; init; }

    /// <summary>The form of weights of attention: float or base64.</summary>
    public string? EncodingFormat { get; init; }
}

/// <summary>
/// POST /v1/atelier/explain: what a model does with a text; GET /v1/atelier/models/NAME/explanation: what it has
/// learned.
/// </summary>
internal sealed class ExplainEndpoint(ModelStore models)
{
    private const int MostCharacters = 1 << 16; // of texts, before they are divided into tokens
    private const int MostDimensions = 16; // of latents that are shown

    /// <summary>Returns what of a model can be explained: its "text", the "target" of a text, the "model".</summary>
    public static JsonArray Abilities(ITrainedModel model)
    {
        var abilities = new JsonArray();
        if (model.As<ITextExplainable>() is not null)
            abilities.Add("text");
        if (model.As<SequenceToSequenceGenerator>() is not null)
            abilities.Add("target");
        if (model.As<IExplainable>() is not null || LatentsOf(model) is not null)
            abilities.Add("model");
        return abilities;
    }

    public async Task TextAsync(HttpContext context)
    {
        ExplainFields body = await RequestBody.ReadAsync<ExplainFields>(context).ConfigureAwait(false);
        if (body.EncodingFormat is not (null or "float" or "base64"))
            throw ApiException.Invalid("encoding_format",
                $"'{body.EncodingFormat}' is unknown; allowed: float, base64");
        var request = new TextExplanationRequest(Bounded("text", body.Text
            ?? throw ApiException.Invalid("text", "'text' is missing; give the text to explain"))!)
        {
            Target = Bounded("target", body.Target),
            Token = body.Token,
            Alternatives = body.Alternatives ?? new TextExplanationRequest("").Alternatives,
            Methods = body.Occlusion ?? true ? [AttributionMethod.Occlusion] : [],
        };
        using ModelLease lease = await models.RequireAsync(body.Model, context.RequestAborted).ConfigureAwait(false);
        ITextExplainable explainable = lease.Model.As<ITextExplainable>()
            ?? throw ApiException.Invalid("model", $"the model '{body.Model}' does not explain texts");
        TextExplanation explanation = await RunAsync(context, lease,
            cancellation => explainable.ExplainText(request, cancellation)).ConfigureAwait(false);
        JsonObject json = TextExplanationJson.Write(explanation, RequestBody.Field, body.EncodingFormat == "base64");
        json.Insert(0, "object", "explanation");
        json.Insert(1, "model", body.Model);
        await JsonAnswer.WriteAsync(context, json).ConfigureAwait(false);
    }

    public async Task ModelAsync(HttpContext context)
    {
        string name = (string)context.Request.RouteValues["name"]!;
        using ModelLease lease = await models.RequireAsync(name, context.RequestAborted).ConfigureAwait(false);
        IExplainable? explainable = lease.Model.As<IExplainable>();
        ImageGenerator? images = LatentsOf(lease.Model);
        if (explainable is null && images is null)
            throw ApiException.Invalid("model", lease.Model.As<ITextExplainable>() is null
                ? $"the model '{name}' cannot be explained"
                : $"the model '{name}' is explained by a text; send one to POST /v1/atelier/explain");
        JsonObject json = await RunAsync(context, lease, cancellation => explainable is not null
            ? Write(explainable.Explain(cancellation)) : Traversal(images!)).ConfigureAwait(false);
        json.Insert(0, "object", "explanation");
        json.Insert(1, "model", name);
        await JsonAnswer.WriteAsync(context, json).ConfigureAwait(false);
    }

    /// <summary>Computes an explanation in the model's queue, until the request is aborted.</summary>
    private static async Task<T> RunAsync<T>(HttpContext context, ModelLease lease, Func<CancellationToken, T> explain)
    {
        CancellationToken cancellation = context.RequestAborted;
        using var measured = ServerMetrics.Begin(lease.Served.Name, promptTokens: 0);
        using IDisposable slot = await lease.Served.Queue.EnterAsync(1, cancellation).ConfigureAwait(false);
        measured.Started();
        return await Task.Run(() => explain(cancellation), cancellation).ConfigureAwait(false);
    }

    private static string? Bounded(string field, string? text) => text is null or { Length: <= MostCharacters } ? text
        : throw ApiException.Invalid(field, FormattableString.Invariant(
            $"'{field}' has {text.Length} characters; allowed: {MostCharacters}"));

    /// <summary>The images of a model whose latents are a vector; null for all others.</summary>
    private static ImageGenerator? LatentsOf(ITrainedModel model) =>
        model.As<ImageGenerator>() is { Model: IAutoencoder { HasGrid: false } } images ? images : null;

    private static JsonObject Write(Explanation explanation) => new()
    {
        ["summary"] = explanation.Summary,
        ["tables"] = new JsonArray([.. explanation.Tables.Select(table => (JsonNode)new JsonObject
        {
            ["name"] = table.Name, ["for_programs"] = table.ForPrograms,
            ["columns"] = new JsonArray([.. table.Columns.Select(column => (JsonNode)column)]),
            ["rows"] = new JsonArray([.. table.Rows.Select(row =>
                (JsonNode)new JsonArray([.. row.Select(cell => cell.ToJson())]))]),
        })]),
        ["graph"] = explanation.Graph is not { } graph ? null : new JsonObject
        {
            ["nodes"] = new JsonArray([.. graph.Nodes.Select(node => (JsonNode)node)]),
            ["edges"] = new JsonArray([.. graph.Edges.Select(edge => (JsonNode)new JsonObject
            {
                ["parent"] = edge.Parent, ["child"] = edge.Child, ["strength"] = edge.Strength,
            })]),
        },
        ["transitions"] = explanation.Transitions is not { } matrix ? null : new JsonObject
        {
            ["rows"] = new JsonArray([.. matrix.Rows.Select(row => (JsonNode)row)]),
            ["columns"] = new JsonArray([.. matrix.Columns.Select(column => (JsonNode)column)]),
            ["cells"] = new JsonArray([.. matrix.Cells.Select(row =>
                (JsonNode)new JsonArray([.. row.Select(cell => (JsonNode)cell)]))]),
        },
    };

    /// <summary>The images of latents that move along one dimension each, a row for each dimension.</summary>
    private static JsonObject Traversal(ImageGenerator images)
    {
        int steps = Interpolation.UsualSteps;
        IReadOnlyList<byte[]> pictures = new LatentImages(images.Model).Traverse(steps, MostDimensions);
        return new JsonObject
        {
            ["traversal"] = new JsonObject
            {
                ["from"] = -LatentImages.Reach, ["to"] = LatentImages.Reach, ["steps"] = steps,
                ["rows"] = new JsonArray([.. pictures.Chunk(steps).Select((row, dimension) => (JsonNode)new JsonObject
                {
                    ["dimension"] = dimension, ["media_type"] = "image/png",
                    ["b64"] = Convert.ToBase64String(ImageGrid.Encode(images.Schema, [.. row.Select(image =>
                        (ReadOnlyMemory<byte>)images.Schema.Interleave(image))], columns: steps)),
                })]),
            },
        };
    }
}
