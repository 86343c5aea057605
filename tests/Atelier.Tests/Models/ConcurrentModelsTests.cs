using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Data.Tables;
using Atelier.Data.Tagged;
using Atelier.Exchange;
using Atelier.Generation;
using Atelier.Generation.Chat;
using Atelier.Layers;
using Atelier.Models.BayesianNetwork;
using Atelier.Models.Gpt;
using Atelier.Models.Hmm;
using Atelier.Models.Hmm.Emissions;
using Atelier.Models.Hmm.Inference;
using Atelier.Models.Hmm.Tagging;
using Atelier.Models.Independent;
using Atelier.Models.Ngram;
using Atelier.Models.Rnn;
using Atelier.Models.Vae;
using Atelier.Networks;
using Atelier.Tasks;
using Atelier.Tasks.Images;
using Atelier.Tasks.Tagged;
using Atelier.Tensors;
using Atelier.Tests.Data;
using Atelier.Tests.Models.BayesianNetwork;
using Atelier.Tokenizers;
using Microsoft.Extensions.AI;

namespace Atelier.Tests.Models;

#pragma warning disable MEAI001 // the interface of pictures is marked as one that may still change

/// <summary>Each kind of model asked by sixteen callers at the same time, against each of them alone.</summary>
public sealed class ConcurrentModelsTests : IDisposable
{
    private const int Callers = 16;
    private static readonly ByteTokenizer Bytes = new();
    private static readonly Dictionary<string, string> None = [];
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("gpt", false)]
    [InlineData("gpt", true)]
    [InlineData("rnn", false)]
    [InlineData("rnn", true)]
    [InlineData("ngram", false)]
    [InlineData("hmm", false)]
    public async Task Texts_are_those_that_each_caller_gets_alone(string kind, bool managed)
    {
        using TextGenerator generator = Text(kind, managed);
        (generator.Model is IBatchedLanguageModel).ShouldBe(managed);
        using IChatClient client = new TextChatClient(generator);
        await TogetherAsAlone(async i =>
        {
            if (i % 4 == 3)
                return (await client.GetResponseAsync($"say {i}",
                    new ChatOptions { Seed = i, MaxOutputTokens = 10 })).Text;
            var request = new GenerationRequest
            {
                Seed = i, Count = 1 + (i % 2), Prompt = i % 3 == 0 ? "The cat" : null,
                Decoding = new() { MaxTokens = 12, Temperature = i % 4 == 0 ? 0 : 0.9, BeamWidth = i == 13 ? 2
                    : 1, Pattern = i == 5 ? "[a-z]{2,9}" : null },
            };
            return string.Join('|',
                await generator.GenerateAsync(request).OrderBy(s => s.Text, StringComparer.Ordinal).Select(s => s.Text)
                .ToListAsync());
        });
    }

    [Fact]
    public async Task Scores_are_those_of_one_caller_while_others_write()
    {
        using TextGenerator generator = Text("gpt", managed: false);
        ReadOnlyMemory<int>[] texts = [Bytes.Encode("The cat sat."), Bytes.Encode("the dog")];
        double alone = generator.Model.Score(texts).Sum(scores => scores.Sum(score => score.LogProbability));
        await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(async () =>
        {
            if (i % 2 == 0)
                await generator.GenerateAsync(new() { Seed = i, Decoding = new() { MaxTokens = 8 } }).CountAsync();
            else
                generator.Model.Score(texts).Sum(scores => scores.Sum(score => score.LogProbability))
                    .ShouldBe(alone, 1e-9);
        })));
    }

    [Fact]
    public async Task Pictures_are_those_that_each_caller_gets_alone()
    {
        var schema = new ImageSchema(8, 8, 3, ["cat", "dog"]);
        using var generator = new ImageGenerator(new VaeModel(
            new VaeConfig { Network = NetworkKind.Dense, Hidden = [16], LatentSize = 4, Conditional = true }, schema,
                Precision.Fp32, seed: 1));
        await TogetherAsAlone(async i =>
        {
            var request = new GenerationRequest { Seed = i, Count = 1 + (i % 3), Class = i % 2 == 0 ? "cat" : null };
            return string.Concat(await generator.GenerateAsync(request).Cast<ImageSample>()
                .Select(sample => Convert.ToHexString(sample.Pixels.Span)).ToListAsync());
        });
        // The client's requests have seeds in the order in which they come.
        using IImageGenerator together = new ImageClient(generator), single = new ImageClient(generator);
        ImageGenerationResponse[] pictures =
            await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => together.GenerateImagesAsync("dog")));
        foreach (ImageGenerationResponse picture in pictures)
            Data(picture).ShouldBe(Data(await single.GenerateImagesAsync("dog")));

        static byte[] Data(ImageGenerationResponse response) => ((DataContent)response.Contents[0]).Data.ToArray();
    }

    [Fact]
    public async Task A_waiting_request_for_pictures_is_cancelled_at_once_and_one_that_stops_reading_holds_up_nobody()
    {
        using var drawing = new SemaphoreSlim(0);
        using var goOn = new ManualResetEventSlim();
        using var generator = new ImageGenerator(new VaeModel(
            new VaeConfig { Network = NetworkKind.Dense, Hidden = [16], LatentSize = 4 }, new ImageSchema(8, 8, 1, []),
                Precision.Fp32, seed: 1));
        generator.Watch = _ =>
        {
            drawing.Release();
            goOn.Wait();
        };
        Task<Sample> first = Task.Run(async () => await generator.GenerateAsync(new() { Seed = 1 }).FirstAsync());
        await drawing.WaitAsync(TestContext.Current.CancellationToken);
        using var cancel = new CancellationTokenSource();
        Task<Sample> second =
            Task.Run(async () => await generator.GenerateAsync(new() { Seed = 2 }, cancel.Token).FirstAsync());
        cancel.Cancel();
        await Should.ThrowAsync<OperationCanceledException>(() => second);
        first.IsCompleted.ShouldBeFalse();
        goOn.Set();
        await first;
        await using IAsyncEnumerator<Sample> stopped = generator.GenerateAsync(new() { Seed = 3, Count = 2 })
            .GetAsyncEnumerator(TestContext.Current.CancellationToken);
        (await stopped.MoveNextAsync()).ShouldBeTrue();
        (await generator.GenerateAsync(new() { Seed = 4 }).CountAsync()).ShouldBe(1);
    }

    [Fact]
    public async Task Rows_and_answers_of_networks_are_those_that_each_caller_gets_alone()
    {
        DiscreteNetwork network = BayesianNetwork.Networks.Published("asia");
        using var model = new BayesianNetworkModel(NetworkRows.Schema(network), network, new BayesianNetworkConfig());
        var smoke = new Dictionary<string, string> { ["smoke"] = "yes" };
        await TogetherAsAlone(async i => i % 3 == 2
            ? string.Join('|',
                model.Answer(new Question { Targets = [i % 2 == 0 ? "lung" : "bronc"], Evidence = smoke, MostProbable =
                false }).Tables[0].Rows.Select(row => string.Join(',', row.Select(cell => cell.ToString()))))
            : await Samples(model, new() { Seed = i, Count = 20, Evidence = i % 2 == 0 ? smoke : None }));
    }

    [Fact]
    public async Task Rows_of_independent_columns_are_those_that_each_caller_gets_alone()
    {
        var schema = new TableSchema([new("colour", ["red", "green"], []), new("size", [], [])]);
        using var model = new IndependentModel(schema, [[Math.Log(0.25), Math.Log(0.75)], [3, 2]]);
        await TogetherAsAlone(i =>
            Samples(model,
            new() { Seed = i, Count = 30, Evidence = i % 2 == 0 ? new Dictionary<string, string> { ["colour"] = "red" }
            : None }));
    }

    [Fact]
    public async Task Series_and_tagged_sentences_are_those_that_each_caller_gets_alone()
    {
        TaggedSentence[] sentences = [new(["the", "dog", "runs"], ["D", "N", "V"]),
            new(["a", "run", "ends"], ["D", "N", "V"]), new(["dogs", "run"], ["N", "V"])];
        using var tagger = new HmmTagger(TaggerCounts.Count(sentences), new HmmConfig());
        ITask tagging = new TaggingTask();
        await TogetherAsAlone(i => Json(tagging.GenerateAsync(tagger,
            new() { Seed = i, Count = i % 2 == 0 ? 5 : 1, Prompt = i % 2 == 0 ? null : "a dog ends" })));
        using var series =
            new HmmSeries(new HmmModel(new HmmChain([0.6, 0.4], [0.9, 0.1, 0.2, 0.8]),
            new PoissonEmissions(2, [1.0, 5.0], 1)), ["count"]);
        await TogetherAsAlone(i => Samples(series, new() { Seed = i, Count = 2, Decoding = new() { MaxTokens = 25 } }));
    }

    private static Task<string> Samples(IGenerator generator, GenerationRequest request) =>
        Json(generator.GenerateAsync(request));

    private static async Task<string> Json(IAsyncEnumerable<Sample> samples) =>
        string.Join('|', await samples.Select(sample => sample.ToJson().ToJsonString()).ToListAsync());

    private static async Task TogetherAsAlone(Func<int, Task<string>> ask)
    {
        string[] alone = new string[Callers];
        for (int i = 0; i < Callers; i++)
            alone[i] = await ask(i);
        alone.Distinct().Count().ShouldBeGreaterThan(Callers / 2);
        string[] together = await Task.WhenAll(Enumerable.Range(0, Callers).Select(i => Task.Run(() => ask(i))));
        for (int i = 0; i < Callers; i++)
            together[i].ShouldBe(alone[i], $"caller {i}");
    }

    private TextGenerator Text(string kind, bool managed)
    {
        if (kind == "ngram")
        {
            int[] ids = [256, .. Bytes.Encode("The cat sat on the mat. The dog sat on the log. They all ate ham.")];
            return new TextGenerator(new NgramModel(NgramTrie.Count([ids], 3), new() { Order = 3 },
                Bytes.VocabularySize), Bytes, new(), 256);
        }
        if (kind == "hmm")
        {
            var random = new SplitMix64(1);
            double[] emissions =
                [.. Enumerable.Range(0, 3 * Bytes.VocabularySize).Select(_ => 0.1 + random.NextDouble())];
            for (int state = 0; state < 3; state++)
            {
                double sum = Enumerable.Range(0, Bytes.VocabularySize).Sum(symbol => emissions[(symbol * 3) + state]);
                for (int symbol = 0; symbol < Bytes.VocabularySize; symbol++)
                    emissions[(symbol * 3) + state] /= sum;
            }
            var model = new HmmModel(new HmmChain([0.5, 0.3, 0.2], [0.5, 0.3, 0.2, 0.1, 0.6, 0.3, 0.4, 0.4, 0.2]),
                new CategoricalEmissions(3, Padding.Add(emissions, 3, HmmKernels.Width(3))));
            return new TextGenerator(new HmmTextModel(model, 256), Bytes, new(), 256);
        }
        string folder = _folder[kind];
        if (kind == "gpt")
        {
            using var gpt =
                new GptModel(new GptConfig { LayerCount = 2, HeadCount = 2, HiddenSize = 16, ContextLength = 64,
                Dropout = 0.1 }, Bytes.VocabularySize, Precision.Fp32, seed: 1);
            new GptFamily().Write(folder, gpt, Bytes, new DecodingOptions(), 256, "# gpt");
        }
        else
        {
            using var rnn =
                new RnnModel(new RnnConfig { Cell = CellName.Gru, EmbeddingSize = 16, HiddenSize = 24, Dropout = 0.1 },
                Bytes.VocabularySize, Precision.Fp32, seed: 1);
            new RnnFamily().Write(folder, rnn, Bytes, new DecodingOptions(), 256, "# rnn");
        }
        return managed ? TextModelFile.Open(folder, threads: 1)
            : new Workshop().Open(folder, new() { ForTraining = true }).Require<TextGenerator>();
    }
}
