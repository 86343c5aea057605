using Atelier.Abstractions;
using Atelier.Evaluation;
using Atelier.Generation;
using Atelier.Recipes;
using Atelier.Runs;

namespace Atelier.Tests.Models;

/// <summary>The whole path of T5: from pairs or text to a bundle, its use and its evaluation.</summary>
public sealed class T5TrainingTests : IDisposable
{
    private static readonly string[] Colours = ["red", "green", "blue", "grey", "pink"],
        Things = ["boat", "house", "tree", "stone", "river", "road", "lamp", "chair"];

    private readonly WorkFolder _folder = new();
    private readonly Workshop _workshop;

    public T5TrainingTests() => _workshop = new Workshop(new WorkshopOptions { Home = At("home") });

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Given_pairs_with_a_prefix_when_trained_then_the_bundle_inserts_it_before_sources()
    {
        File.WriteAllLines(At("pairs.tsv"), Colours.SelectMany(colour => Things.Select(thing =>
            $"the {colour} {thing}\t{thing} {colour}")));
        await Train("pairs.tsv", "pairs", "  pairs: {prefix: 'swap: '}");
        using ITrainedModel model = _workshop.Open(At("run"));
        var generator = model.Require<SequenceToSequenceGenerator>();
        generator.Tokens.SourcePrefix.ShouldBe("swap: ");
        generator.EncodeSource("the red boat")
            .ShouldBe([.. generator.Tokenizer.Encode("swap: the red boat"), .. generator.Tokens.SourceEndIds]);
        File.ReadAllText(Bundle.Open(At("run")).ConfigPath).ShouldContain("\"prefix\": \"swap: \"");
        EvaluationReport own = await _workshop.EvaluateAsync(At("run"));
        own.Metrics.Keys.ShouldContain("bleu");
        own.Metrics["crossEntropyPerToken"].Value.ShouldBeInRange(0.01, 9);
        EvaluationReport other = await _workshop.EvaluateAsync(At("run"), At("pairs.tsv"));
        other.Metrics["crossEntropyPerToken"].Value.ShouldBe(own.Metrics["crossEntropyPerToken"].Value, 1.0);
    }

    [Fact]
    public async Task Given_text_when_trained_then_the_model_fills_in_spans_that_are_named_in_its_source()
    {
        File.WriteAllText(At("text.txt"), string.Join('\n', Enumerable.Range(0, 150).Select(i =>
            $"the {Colours[i % 5]} {Things[i * 7 % 8]} is {i % 10} metres from the {Things[i % 8]}.")));
        await Train("text.txt", "text", "  document: line");
        using ITrainedModel model = _workshop.Open(At("run"));
        var generator = model.Require<SequenceToSequenceGenerator>();
        IReadOnlyList<int> sentinels = generator.Tokenizer.Special.Sentinels;
        sentinels.Count.ShouldBe(20);
        int[] source = generator.EncodeSource("the <extra_id_0> is <extra_id_1>.");
        source.Where(sentinels.Contains).ShouldBe([sentinels[0], sentinels[1]]);
        source[^1].ShouldBe(generator.Tokens.EndIds[0]);
        var forced = new GenerationRequest
        {
            Prompt = "the <extra_id_0>.",
            Decoding = new DecodingOptions { Temperature = 0, MaxTokens = 12 },
        };
        string text = "";
        await foreach (TextSample sample in generator.GenerateAsync(forced))
        {
            text = sample.Text;
            sample.Tokens.Where(token => sentinels.Contains(token.Id))
                .ShouldAllBe(token => text.Contains(generator.Tokenizer.Name(token.Id), StringComparison.Ordinal));
        }
        EvaluationReport report = await _workshop.EvaluateAsync(At("run"));
        report.Headline.Metric.ShouldBe("spanCrossEntropy");
        report.Metrics["spanCrossEntropy"].Value.ShouldBeInRange(0.01, 9);
        report.Metrics["spanAccuracy"].Value.ShouldBeInRange(0, 1);
        report.Baselines["unigram"].Keys.ShouldBe(report.Metrics.Keys);
        report.Sections.Single().Samples
            .ShouldAllBe(sample => sample.Contains("<extra_id_0>", StringComparison.Ordinal));
        EvaluationReport other = await _workshop.EvaluateAsync(At("run"), At("text.txt"));
        other.Metrics["spanCrossEntropy"].Value.ShouldBe(report.Metrics["spanCrossEntropy"].Value, 0.5);
    }

    [Theory]
    [InlineData("text", "evaluation.stride=5", "evaluation.stride")]
    [InlineData("text", "training.batchTokens=512", "training.batchTokens")]
    [InlineData("pairs", "model.noiseShare=0.3", "model.noiseShare")]
    [InlineData("pairs", "training.batchSize=8", "training.batchSize")]
    public void Given_a_key_that_the_task_ignores_when_read_then_it_is_refused(string kind, string change, string key)
    {
        File.WriteAllText(At("recipe.yaml"), $"data: {{kind: {kind}}}\nmodel: {{family: t5}}\n");
        Should.Throw<AtelierException>(() => _workshop.ReadRecipe(At("recipe.yaml"), change)).ToLine()
            .ShouldContain(key);
    }

    [Fact]
    public async Task Given_two_vocabularies_when_trained_then_they_are_refused()
    {
        File.WriteAllLines(At("pairs.tsv"), Things.Select(thing => $"{thing}\t{thing}s"));
        AtelierException thrown = await Should.ThrowAsync<AtelierException>(() =>
            Train("pairs.tsv", "pairs", "  pairs: {sharedVocabulary: false}"));
        thrown.ToLine().ShouldContain("data.pairs.sharedVocabulary");
    }

    private string At(string name) => Path.Combine(_folder.Path, name);

    private async Task Train(string source, string kind, string data)
    {
        File.WriteAllText(At("recipe.yaml"), $$"""
            data:
              source: {{At(source)}}
              kind: {{kind}}
            {{data}}
            model:
              family: t5
              hiddenSize: 16
              headCount: 2
              headSize: 4
              encoderLayerCount: 1
              decoderLayerCount: 1
              contextLength: 48
            {{(kind == "text" ? "  sentinelCount: 20" : "")}}
            training:
              steps: 4
              precision: fp32
              device: cpu
              {{(kind == "text" ? "batchSize: 8" : "batchTokens: 512")}}
              sampleEvery: 4
            evaluation: {samples: 2, bootstrapSamples: 20}
            generation: {beamWidth: 2, maxTokens: 16}
            """);
        await _workshop.TrainAsync(_workshop.ReadRecipe(At("recipe.yaml")), new(At("run")));
    }
}
