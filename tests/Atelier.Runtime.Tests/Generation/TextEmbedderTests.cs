using Atelier.Abstractions;
using Atelier.Generation;
using Atelier.Kernels;
using Atelier.Networks;
using Atelier.Runtime.Tests.Networks;
using Microsoft.Extensions.AI;

namespace Atelier.Runtime.Tests.Generation;

/// <summary>Texts and vectors, with a tokenizer of one token for each letter.</summary>
public sealed class TextEmbedderTests
{
    [Fact]
    public void A_text_has_the_vector_of_its_tokens_and_a_long_one_is_cut()
    {
        using TextEmbedder embedder = Embedder(new() { Pooling = EmbeddingPooling.Last, Normalise = false, MaxTokens = 5 });
        ITrainedModel model = embedder;
        ITextEmbedder texts = model.Require<ITextEmbedder>();
        texts.EmbeddingSize.ShouldBe(44);
        IReadOnlyList<float[]> vectors = texts.Embed(["abc", "abcdefgh", "abcdxyz", ""]);
        vectors[0].ShouldBe(embedder.Encoder.Embed([new(new[] { 0, 1, 2, 3 })], EmbeddingPooling.Last, false)[0]);
        vectors[1].ShouldBe(vectors[2]);
        vectors[3].ShouldBe(embedder.Encoder.Embed([new(new[] { 0 })], EmbeddingPooling.Last, false)[0]);
        texts.Embed([]).ShouldBeEmpty();
        Should.Throw<AtelierException>(() => new TextEmbedder(embedder.Encoder, Letters, new() { MaxTokens = 91 }))
            .Message.ShouldContain("91");
    }

    [Fact]
    public async Task The_generator_of_Microsoft_Extensions_AI_gives_the_embedders_vectors()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        using TextEmbedder embedder = Embedder(new());
        using IEmbeddingGenerator<string, Embedding<float>> generator = new TextEmbeddingGenerator(embedder, "letters");
        GeneratedEmbeddings<Embedding<float>> answer =
            await generator.GenerateAsync(["abc", "de"], cancellationToken: cancellation);
        answer.Select(e => e.Vector.ToArray()).ShouldBe(embedder.Embed(["abc", "de"], cancellation));
        answer[0].ModelId.ShouldBe("letters");
        answer.Usage!.InputTokenCount.ShouldBe(7);
        generator.GetService<EmbeddingGeneratorMetadata>()!.DefaultModelDimensions.ShouldBe(44);
        generator.GetService<TextEmbedder>().ShouldBe(embedder);
        foreach (EmbeddingGenerationOptions options in (EmbeddingGenerationOptions[])[new() { Dimensions = 3 },
            new() { ModelId = "other" }, new() { AdditionalProperties = new() { ["a"] = 1 } }])
            await Should.ThrowAsync<AtelierException>(() => generator.GenerateAsync(["a"], options, cancellation));
        await generator.GenerateAsync(["a"], new() { Dimensions = 44, ModelId = "letters" }, cancellation);
    }

    private static TextEmbedder Embedder(TextEmbeddingOptions options)
    {
        (EncoderConfig config, EncoderWeights weights) = EncoderTests.Model(44, 70, ActivationName.Gelu, 0, WeightType.F32);
        return new TextEmbedder(new Encoder(config, weights, 1), Letters, options);
    }

    private static EncoderInput Letters(string text, int most) =>
        new(text.Select(letter => letter - 'a' + 1).Prepend(0).Take(most).ToArray());
}
