using Atelier.Data.Images;
using Atelier.Decoding;
using Microsoft.Extensions.AI;

namespace Atelier.Models.Layers;

/// <summary>
/// A model of pictures as an <see cref="IImageGenerator"/>. The prompt is the name of a class, or empty for any picture; the
/// answers are PNG data. <see cref="ImageGenerationOptions.Count"/> says how many; each request has a seed of its own, drawn
/// from that of the client, so that a client gives the same pictures in the same order.
/// </summary>
/// <param name="generator">Draws the pictures. Not disposed with the client.</param>
/// <param name="seed">Of the first request; the next has the next one.</param>
/// <param name="modelId">The name that the service is known by.</param>
#pragma warning disable MEAI001 // the interface is marked as one that may still change
public sealed class ImageClient(ImageGenerator generator, long seed = 1, string modelId = "atelier") : IImageGenerator
{
    private long _next = seed - 1;

    /// <inheritdoc/>
    /// <exception cref="AtelierException">The prompt is no class of the model, or something is asked for that it cannot do.</exception>
    public async Task<ImageGenerationResponse> GenerateAsync(
        ImageGenerationRequest request, ImageGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.OriginalImages is not null && request.OriginalImages.Any())
            throw new AtelierException("the model is asked by a class alone, not by pictures", "OriginalImages", "leave them out");
        if (options?.ImageSize is { } size && (size.Width != generator.Schema.Width || size.Height != generator.Schema.Height))
            throw new AtelierException($"the model draws {generator.Schema.Width} × {generator.Schema.Height} pixels, not {size.Width} × {size.Height}", "ImageSize", "leave it out");
        if (options?.MediaType is not (null or "image/png"))
            throw new AtelierException($"pictures are PNG, not {options.MediaType}", "MediaType", "leave it out");
        var asked = new GenerationRequest
        {
            Count = options?.Count ?? 1,
            Seed = Interlocked.Increment(ref _next),
            Class = string.IsNullOrWhiteSpace(request.Prompt) ? null : request.Prompt.Trim(),
        };
        var contents = new List<AIContent>();
        await foreach (ImageSample sample in generator.GenerateAsync(asked, cancellationToken).ConfigureAwait(false))
            contents.Add(new DataContent(PictureFiles.EncodePng(sample.Width, sample.Height, sample.Channels, sample.Pixels.Span), "image/png"));
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
