using System.Text.Json;
using Atelier.Abstractions;
using Atelier.Exchange;
using Atelier.Generation;
using Atelier.Kernels;
using Atelier.Networks;
using Atelier.Runtime.Tests.Networks;
using Atelier.TestSupport;
using Microsoft.Extensions.AI;

namespace Atelier.Runtime.Tests.Generation;

/// <summary>Texts and vectors, with a published encoder and with a tiny one whose tokens are letters.</summary>
public sealed class TextEmbedderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("atelier").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_published_sentence_encoder_gives_texts_their_golden_vectors()
    {
        string golden = DataFolder.File("weights", "minilm", "golden.jsonl");
        using TextEmbedder embedder = TextEmbedderFile.Open(Path.GetDirectoryName(golden)!);
        JsonElement[] lines = [.. File.ReadLines(golden).Select(line => JsonElement.Parse(line))];
        IReadOnlyList<float[]> vectors =
            embedder.Embed([.. lines.Select(line => line.GetProperty("text").GetString()!)]);
        for (int i = 0; i < lines.Length; i++)
        {
            float[] expected = [.. lines[i].GetProperty("embedding").EnumerateArray().Select(v => v.GetSingle())];
            vectors[i].Zip(expected, (a, b) => Math.Abs(a - b)).Max().ShouldBeLessThan(2e-4f, $"text {i}");
        }
    }

    [Fact]
    public void A_text_has_the_vector_of_its_tokens_and_a_long_one_is_cut()
    {
        WriteLetters();
        using TextEmbedder embedder = TextEmbedderFile.Open(_folder);
        ITrainedModel model = embedder;
        ITextEmbedder texts = model.Require<ITextEmbedder>();
        texts.EmbeddingSize.ShouldBe(8);
        IReadOnlyList<float[]> vectors = texts.Embed(["a b c", "a b c d e a b c d e a", "a b c d e a b c d e b", ""]);
        vectors[0].ShouldBe(embedder.Encoder.Embed([new(new[] { 2, 5, 6, 7, 3 })])[0]);
        vectors[1].ShouldBe(vectors[2]); // 12 tokens with [CLS] and [SEP]
        vectors[3].ShouldBe(embedder.Encoder.Embed([new(new[] { 2, 3 })])[0]);
        texts.Embed([]).ShouldBeEmpty();
        Should.Throw<AtelierException>(() =>
            new TextEmbedder(embedder.Encoder, embedder.Tokenizer, new() { MaxTokens = 13 }))
            .Message.ShouldContain("13");
        Should.Throw<AtelierException>(() => TextModelFile.Open(_folder)).ToLine().ShouldContain("TextEmbedderFile");
    }

    [Fact]
    public void A_tokenizer_json_whose_template_surrounds_a_text_serves_as_a_vocabulary_does()
    {
        WriteLetters();
        using TextEmbedder embedder = TextEmbedderFile.Open(_folder);
        File.Delete(Path.Combine(_folder, "vocab.txt"));
        embedder.Tokenizer.Save(Path.Combine(_folder, "tokenizer.json"));
        using TextEmbedder again = TextEmbedderFile.Open(_folder);
        again.Embed(["a b c"])[0].ShouldBe(embedder.Embed(["a b c"])[0]);
    }

    [Theory]
    [InlineData("cls_token", true, EmbeddingPooling.First)]
    [InlineData("lasttoken", false, EmbeddingPooling.Last)]
    [InlineData("mean_tokens", false, EmbeddingPooling.Mean)]
    public void What_sentence_transformers_files_say_is_done(string mode, bool normalises, EmbeddingPooling pooling)
    {
        WriteLetters();
        WriteModules(
            $$"""{"word_embedding_dimension":8,"pooling_mode_{{mode}}":true,"pooling_mode_max_tokens":false}""",
            normalises ? ["Transformer", "Pooling", "Normalize"] : ["Transformer", "Pooling"]);
        File.WriteAllText(Path.Combine(_folder, "sentence_bert_config.json"),
            """{"max_seq_length":5,"do_lower_case":false}""");
        using TextEmbedder embedder = TextEmbedderFile.Open(_folder);
        embedder.Options.ShouldBe(new() { Pooling = pooling, Normalise = normalises, MaxTokens = 5 });
        embedder.Embed(["a b c d e"])[0]
            .ShouldBe(embedder.Encoder.Embed([new(new[] { 2, 5, 6, 7, 3 })], pooling, normalises)[0]);
    }

    [Theory]
    [InlineData("""{"pooling_mode_max_tokens":true}""", "Pooling", "pooling_mode_max_tokens")]
    [InlineData("""{"pooling_mode_mean_tokens":true,"pooling_mode_cls_token":true}""", "Pooling", "2 pooling modes")]
    [InlineData("""{"word_embedding_dimension":9,"pooling_mode_mean_tokens":true}""", "Pooling", "is 9")]
    [InlineData("""{"pooling_mode_mean_tokens":true}""", "Dense", "Dense")]
    public void What_they_ask_for_and_is_not_known_is_refused(string settings, string module, string told)
    {
        WriteLetters();
        WriteModules(settings, ["Transformer", module]);
        Should.Throw<AtelierException>(() => TextEmbedderFile.Open(_folder)).Message.ShouldContain(told);
    }

    [Fact]
    public void Files_that_do_not_fit_together_are_refused()
    {
        WriteLetters();
        Should.Throw<AtelierException>(() => TextEmbedderFile.Open(_folder, WeightType.Q8_0)).ToLine()
            .ShouldContain("multiple of 32");
        File.AppendAllText(Path.Combine(_folder, "vocab.txt"), "\nextra");
        Should.Throw<AtelierException>(() => TextEmbedderFile.Open(_folder)).Message.ShouldContain("20 tokens");
    }

    [Fact]
    public async Task The_generator_of_Microsoft_Extensions_AI_gives_the_embedders_vectors()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        WriteLetters();
        using TextEmbedder embedder = TextEmbedderFile.Open(_folder);
        using IEmbeddingGenerator<string, Embedding<float>> generator = new TextEmbeddingGenerator(embedder, "letters");
        GeneratedEmbeddings<Embedding<float>> answer =
            await generator.GenerateAsync(["a b c", "d"], cancellationToken: cancellation);
        answer.Select(e => e.Vector.ToArray()).ShouldBe(embedder.Embed(["a b c", "d"], cancellation));
        answer[0].ModelId.ShouldBe("letters");
        answer.Usage!.InputTokenCount.ShouldBe(8);
        generator.GetService<EmbeddingGeneratorMetadata>()!.DefaultModelDimensions.ShouldBe(8);
        generator.GetService<TextEmbedder>().ShouldBe(embedder);
        foreach (EmbeddingGenerationOptions options in (EmbeddingGenerationOptions[])[new() { Dimensions = 3 },
            new() { ModelId = "other" }, new() { AdditionalProperties = new() { ["a"] = 1 } }])
            await Should.ThrowAsync<AtelierException>(() => generator.GenerateAsync(["a"], options, cancellation));
        await generator.GenerateAsync(["a"], new() { Dimensions = 8, ModelId = "letters" }, cancellation);
    }

    private void WriteLetters()
    {
        EncoderFileTests.WriteModel(_folder, "bert", hasHead: false);
        File.WriteAllLines(Path.Combine(_folder, "vocab.txt"),
            ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", .. "abcdefghijklmno".Select(letter => $"{letter}")]);
    }

    private void WriteModules(string pooling, string[] modules)
    {
        Directory.CreateDirectory(Path.Combine(_folder, "1_Pooling"));
        File.WriteAllText(Path.Combine(_folder, "1_Pooling", "config.json"), pooling);
        File.WriteAllText(Path.Combine(_folder, "modules.json"), JsonSerializer.Serialize(modules.Select((name, i) =>
            new { idx = i, name = $"{i}", path = "", type = $"sentence_transformers.models.{name}" })));
    }
}
