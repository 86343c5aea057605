using Microsoft.Extensions.AI;

namespace Atelier.Generation;

/// <summary>
/// An <see cref="IEmbeddingGenerator{TInput, TEmbedding}"/> of Microsoft.Extensions.AI over an embedder. Safe for
/// concurrent use.
/// </summary>
/// <remarks>
/// The options that ask for another model, another number of dimensions or anything else that the model does not have
/// are refused by name.
/// </remarks>
/// <param name="embedder">The embedder. The generator does not dispose it.</param>
/// <param name="modelId">The model name in responses.</param>
public sealed class TextEmbeddingGenerator(TextEmbedder embedder, string modelId = "atelier")
    : IEmbeddingGenerator<string, Embedding<float>>
{
    /// <inheritdoc/>
    public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(IEnumerable<string> values,
        EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        string[] texts = [.. values];
        RefusedOptions.Check(
            ("ModelId", options?.ModelId is not null && options.ModelId != modelId,
                $"the model is '{modelId}', not '{options?.ModelId}'"),
            ("Dimensions", options?.Dimensions is int wanted && wanted != embedder.EmbeddingSize,
                FormattableString.Invariant($"the model's vectors have {embedder.EmbeddingSize} elements")),
            ("RawRepresentationFactory", options?.RawRepresentationFactory is not null,
                "raw options of an underlying client are not supported"),
            ("AdditionalProperties", options?.AdditionalProperties is { Count: > 0 },
                $"'{options?.AdditionalProperties?.Keys.FirstOrDefault()}' is not known"));
        return Task.Run(() => Generate(texts, cancellationToken), cancellationToken);
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null)
            return null;
        if (serviceType == typeof(EmbeddingGeneratorMetadata))
            return new EmbeddingGeneratorMetadata("atelier", null, modelId, embedder.EmbeddingSize);
        return serviceType.IsInstanceOfType(this) ? this : serviceType.IsInstanceOfType(embedder) ? embedder : null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // The generator does not own the embedder.
    }

    private GeneratedEmbeddings<Embedding<float>> Generate(string[] texts, CancellationToken cancellation)
    {
        IReadOnlyList<float[]> vectors = embedder.Embed(texts, out long tokens, cancellation);
        DateTimeOffset now = DateTimeOffset.UtcNow;
        return new(vectors.Select(vector => new Embedding<float>(vector) { ModelId = modelId, CreatedAt = now }))
        {
            Usage = new UsageDetails { InputTokenCount = tokens, TotalTokenCount = tokens },
        };
    }
}
