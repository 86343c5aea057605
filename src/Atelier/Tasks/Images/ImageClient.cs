using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Generation;
using Atelier.Runs;
using Microsoft.Extensions.AI;

namespace Atelier.Tasks.Images;

/// <summary>
/// An <see cref="IImageGenerator"/> over an image model. The prompt is the name of a class, or empty for any image; the
/// results are PNG data. <see cref="ImageGenerationOptions.Count"/> is the number of images. Each request has its own
/// seed, drawn from the client's, so that a client returns the same images in the same order. Other options are refused
/// by name. Safe for concurrent use: simultaneous requests are drawn one after another.
/// </summary>
/// <param name="generator">The generator. It is not disposed with the client.</param>
/// <param name="seed">The seed of the first request; each further request uses the next one.</param>
/// <param name="modelId">The name of the model in requests and metadata.</param>
#pragma warning disable MEAI001 // the interface is marked as one that may still change
public sealed class ImageClient(ImageGenerator generator, long seed = 1, string modelId = "atelier") : IImageGenerator
{
    private long _next = seed - 1;

    /// <inheritdoc/>
    /// <exception cref="AtelierException">The prompt is no class of the model, or an option is not
    /// supported.</exception>
    public async Task<ImageGenerationResponse> GenerateAsync(
        ImageGenerationRequest request, ImageGenerationOptions? options = null,
            CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        (int width, int height) = (generator.DrawnSchema.Width, generator.DrawnSchema.Height);
        System.Drawing.Size? wanted = options?.ImageSize;
        RefusedOptions.Check(
            ("OriginalImages", request.OriginalImages?.Any() == true,
                "the model takes a class as its prompt, not images"),
            ("ImageSize", wanted is { } size && (size.Width != width || size.Height != height),
                $"the model generates {width} × {height} pixels, not {wanted?.Width} × {wanted?.Height}"),
            ("MediaType", options?.MediaType is not (null or "image/png"),
                $"images are PNG, not {options?.MediaType}"),
            ("ModelId", options?.ModelId is not null && options.ModelId != modelId,
                $"the model is '{modelId}', not '{options?.ModelId}'"),
            ("ResponseFormat", options?.ResponseFormat is not (null or ImageGenerationResponseFormat.Data),
                "images are given as data"),
            ("StreamingCount", options?.StreamingCount is not (null or 0), "images are given when they are done"),
            ("RawRepresentationFactory", options?.RawRepresentationFactory is not null,
                "raw options of an underlying client are not supported"),
            ("AdditionalProperties", options?.AdditionalProperties is { Count: > 0 },
                $"'{options?.AdditionalProperties?.Keys.FirstOrDefault()}' is not known"));
        var asked = new GenerationRequest
        {
            Count = options?.Count ?? 1,
            Seed = Interlocked.Increment(ref _next),
            Class = string.IsNullOrWhiteSpace(request.Prompt) ? null : request.Prompt.Trim(),
        };
        var contents = new List<AIContent>();
        await foreach (ImageSample sample in generator.GenerateAsync(asked, cancellationToken).ConfigureAwait(false))
            contents.Add(new DataContent(ImageFiles.EncodePng(sample.Width, sample.Height, sample.Channels,
                sample.Pixels.Span), "image/png"));
        return new ImageGenerationResponse(contents);
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null)
            return null;
        return serviceType == typeof(ImageGeneratorMetadata) ? new ImageGeneratorMetadata("atelier", null, modelId)
            : serviceType.IsInstanceOfType(generator) ? generator
            : serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <summary>Does nothing: the generator is its owner's.</summary>
    public void Dispose()
    {
    }
}
