using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Server.Observing;
using Atelier.Server.Serving;
using Atelier.Tasks.Images;

namespace Atelier.Server.Api;

/// <summary>The body of a request for images.</summary>
internal record ImageFields : RequestFields
{
    /// <summary>The class of the images; empty or missing for any.</summary>
    public string? Prompt { get; init; }

    /// <summary>The number of images.</summary>
    public int? N { get; init; }

    /// <summary>"auto", or the model's own size, such as "28x28".</summary>
    public string? Size { get; init; }

    /// <summary>The form of images: b64_json.</summary>
    public string? ResponseFormat { get; init; }

    /// <summary>The file format: png.</summary>
    public string? OutputFormat { get; init; }

    /// <summary>The seed; without one it is random.</summary>
    public long? Seed { get; init; }

    /// <summary>The sampler of a diffusion model.</summary>
    public string? Sampler { get; init; }

    /// <summary>The number of sampling steps.</summary>
    public int? Steps { get; init; }

    /// <summary>The strength of guidance by the class.</summary>
    public double? Guidance { get; init; }
}

/// <summary>The fields of a form that edits an image, beside the files "image" and "mask".</summary>
internal sealed record ImageEditFields : ImageFields
{
    /// <summary>How much of the image is changed, above 0 and up to 1.</summary>
    public double? Strength { get; init; }
}

/// <summary>
/// POST /v1/images/generations: images of a class; /v1/images/edits: an image with a part that is generated anew.
/// </summary>
internal sealed class ImagesEndpoint(ModelStore models, ServerOptions options)
{
    private const int MostImages = 64;
    private static readonly string[] Ignored = ["user", "quality", "style", "background", "moderation"];

    /// <summary>Whether a model can generate a part of an image anew.</summary>
    public static bool CanEdit(ITrainedModel model) =>
        model.As<ImageGenerator>() is { Schema.Spectrogram: null } images
        && images.Model.SamplingFields.Contains("mask");

    public async Task GenerateAsync(HttpContext context)
    {
        ImageFields body = await RequestBody.ReadAsync<ImageFields>(context, Ignored).ConfigureAwait(false);
        using ModelLease lease = await models.RequireAsync(body.Model, context.RequestAborted).ConfigureAwait(false);
        ImageGenerator generator = GeneratorOf(lease);
        bool isDrawn = body is not { Sampler: null, Steps: null, Guidance: null };
        GenerationRequest request = Request(body, generator, isDrawn ? Drawing(body) : null);
        await AnswerAsync(context, lease, generator, () => request).ConfigureAwait(false);
    }

    public async Task EditAsync(HttpContext context)
    {
        ImageUpload upload = await ImageUpload.ReadAsync(context, options.MostBodyBytes).ConfigureAwait(false);
        ImageEditFields body = RequestBody.Read<ImageEditFields>(upload.Form, [.. Ignored, "input_fidelity"]);
        using ModelLease lease = await models.RequireAsync(body.Model, context.RequestAborted).ConfigureAwait(false);
        ImageGenerator generator = GeneratorOf(lease);
        if (!CanEdit(generator))
            throw ApiException.Invalid("model",
                $"the model '{body.Model}' cannot edit images; diffusion models of whole images can");
        GenerationRequest request = Request(body, generator, Drawing(body) with { Strength = body.Strength });
        await AnswerAsync(context, lease, generator, () =>
        {
            // large images take much memory: one request at a time decodes its own
            (InputImage image, InputImage? mask) = upload.Images();
            return request with { Drawing = request.Drawing! with { From = image, Mask = mask } };
        }).ConfigureAwait(false);
    }

    private static async Task AnswerAsync(HttpContext context, ModelLease lease, ImageGenerator generator,
        Func<GenerationRequest> request)
    {
        using var measured = ServerMetrics.Begin(lease.Served.Name, promptTokens: 0);
        // a model draws its images in batches, one request after another
        using IDisposable slots = await lease.Served.Queue.EnterAsync(lease.Served.Queue.Slots, context.RequestAborted)
            .ConfigureAwait(false);
        measured.Started();
        var data = new JsonArray();
        await foreach (ImageSample sample in generator.GenerateAsync(request(), context.RequestAborted)
            .ConfigureAwait(false))
        {
            byte[] png =
                ImageFiles.EncodePng(sample.Width, sample.Height, sample.Channels, sample.Pixels.Span);
            data.Add(new JsonObject { ["b64_json"] = Convert.ToBase64String(png) });
        }
        await JsonAnswer.WriteAsync(context, new JsonObject
        {
            ["created"] = DateTimeOffset.UtcNow.ToUnixTimeSeconds(), ["data"] = data, ["output_format"] = "png",
        }).ConfigureAwait(false);
    }

    private static ImageGenerator GeneratorOf(ModelLease lease) =>
        lease.Model.As<ImageGenerator>() is { Schema.Spectrogram: null } images ? images
            : throw ApiException.Invalid("model", $"the model '{lease.Served.Name}' does not generate images");

    private static SamplingOptions Drawing(ImageFields body) =>
        new() { Sampler = body.Sampler, Steps = body.Steps, Guidance = body.Guidance };

    private static GenerationRequest Request(ImageFields body, ImageGenerator generator, SamplingOptions? drawing)
    {
        string size = FormattableString.Invariant($"{generator.DrawnSchema.Width}x{generator.DrawnSchema.Height}");
        if (body.Size is not (null or "auto") && body.Size != size)
            throw ApiException.Invalid("size", $"size is {body.Size}, but the model generates images of {size}");
        if (body.ResponseFormat is not (null or "b64_json"))
            throw ApiException.Invalid("response_format",
                $"'{body.ResponseFormat}' is not possible: images are sent as b64_json");
        if (body.OutputFormat is not (null or "png"))
            throw ApiException.Invalid("output_format", $"'{body.OutputFormat}' is not possible: images are png");
        if (body.N is < 1 or > MostImages)
            throw ApiException.Invalid("n", FormattableString.Invariant(
                $"n is {body.N}; allowed: 1 to {MostImages}"));
        return new GenerationRequest
        {
            Count = body.N ?? 1, Seed = body.Seed ?? Random.Shared.NextInt64(),
            Class = string.IsNullOrWhiteSpace(body.Prompt) ? null : body.Prompt.Trim(), Drawing = drawing,
        };
    }
}
