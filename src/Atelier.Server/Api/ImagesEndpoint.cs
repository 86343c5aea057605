using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Server.Observing;
using Atelier.Server.Serving;
using Atelier.Tasks.Images;

namespace Atelier.Server.Api;

/// <summary>The body of a request for images.</summary>
internal sealed record ImageFields : RequestFields
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

/// <summary>POST /v1/images/generations: images of a class.</summary>
internal sealed class ImagesEndpoint(ModelStore models)
{
    private const int MostImages = 64;
    private static readonly string[] Ignored = ["user", "quality", "style", "background", "moderation"];

    public async Task InvokeAsync(HttpContext context)
    {
        ImageFields body = await RequestBody.ReadAsync<ImageFields>(context, Ignored).ConfigureAwait(false);
        using ModelLease lease = await models.RequireAsync(body.Model, context.RequestAborted).ConfigureAwait(false);
        ImageGenerator generator = lease.Model.As<ImageGenerator>() is { Schema.Spectrogram: null } images ? images
            : throw ApiException.Invalid("model", $"the model '{body.Model}' does not generate images");
        GenerationRequest request = Request(body, generator);
        using var measured = ServerMetrics.Begin(lease.Served.Name, promptTokens: 0);
        // a model draws its images in batches, one request after another
        using IDisposable slots = await lease.Served.Queue.EnterAsync(lease.Served.Queue.Slots, context.RequestAborted)
            .ConfigureAwait(false);
        measured.Started();
        var data = new JsonArray();
        await foreach (ImageSample sample in generator.GenerateAsync(request, context.RequestAborted)
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

    private static GenerationRequest Request(ImageFields body, ImageGenerator generator)
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
        bool isDrawn = body is not { Sampler: null, Steps: null, Guidance: null };
        return new GenerationRequest
        {
            Count = body.N ?? 1, Seed = body.Seed ?? Random.Shared.NextInt64(),
            Class = string.IsNullOrWhiteSpace(body.Prompt) ? null : body.Prompt.Trim(),
            Drawing = !isDrawn ? null
                : new SamplingOptions { Sampler = body.Sampler, Steps = body.Steps, Guidance = body.Guidance },
        };
    }
}
