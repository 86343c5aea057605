using Atelier.Abstractions;
using Atelier.Data.Text;
using Atelier.Generation;
using Atelier.Models;
using Atelier.Models.Gpt;
using Atelier.Models.Ngram;
using Atelier.Models.Rnn;
using Atelier.Networks;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Tasks.Text;
using Atelier.Tensors;
using Atelier.TestSupport;
using Atelier.Tests.Data;
using Atelier.Tests.Models;
using Atelier.Tokenizers;
using Atelier.Training;
using static TorchSharp.torch;

namespace Atelier.Tests.Tasks.Text;

public sealed class TextFamilyTests
{
    public static TheoryData<string, object> Models { get; } = new()
    {
        { "gpt", new GptConfig { LayerCount = 1, HeadCount = 2, HiddenSize = 16, ContextLength = 8 } },
        { "gpt", new GptConfig { Layout = GptLayout.Llama, LayerCount = 1, HeadCount = 2, HiddenSize = 16,
            ContextLength = 8 } },
        { "rnn", new RnnConfig { Cell = CellName.Gru, EmbeddingSize = 8, HiddenSize = 16, ContextLength = 8 } },
    };

    [Theory]
    [MemberData(nameof(Models))]
    public async Task Given_a_recipe_when_learned_then_the_bundle_loads_as_the_model_that_was_trained(string family,
        object config)
    {
        using var folder = new TemporaryFolder();
        using TextData data = SmallData(folder);
        var recipe = new Recipe
        {
            Model = new(family, config),
            Training = new() { BatchSize = 4, Steps = 30, EvaluateEvery = 10, SampleEvery = 15, CheckpointEvery = 0,
                ReportEvery = 10, Precision = Precision.Fp32, Threads = 1 },
            Generation = new() { Decoding = new() { MaxTokens = 12 } },
        };
        IModelFamily models = ModelFamilies.All.Single(f => f.Name == family);
        var told = new List<TrainingProgress>();
        using Run run = Run.Create(folder["run"], recipe);
        TrainingReport report = await models.CreateLearner(recipe, data)
            .LearnAsync(run, new Told(told), CancellationToken.None);
        report.Steps.ShouldBe(30);
        told.ShouldContain(p => p.Sample != null && p.Sample.Length > 0);

        Bundle bundle = Bundle.Open(run.BundleFolder);
        models.ModelTypes.ShouldContain(bundle.ModelType);
        using var generator = models.Load(bundle, "cpu").Require<TextGenerator>();
        generator.StartId.ShouldBe(data.Facts.StartId);
        generator.Defaults.MaxTokens.ShouldBe(12);

        // The validation loss a second way: the tokens that count scored row by row, then the mean over batches.
        var batches = new TextBatches(data.Validation, 4, 8, 1, shuffled: false);
        double mean = Enumerable.Range(0, (int)batches.BatchesPerEpoch).Average(number => Rows(batches, number)
            .SelectMany(row => generator.Model.Score([row])[0]).Average(s => -s.LogProbability));
        mean.ShouldBe(report.Metrics["validationLoss"], 1e-4);
    }

    [Theory]
    [InlineData(NgramSmoothing.WittenBell)]
    [InlineData(NgramSmoothing.KneserNey)]
    [InlineData(NgramSmoothing.ModifiedKneserNey)]
    public async Task Given_counts_when_learned_then_the_bundle_gives_the_same_probabilities(NgramSmoothing smoothing)
    {
        using var folder = new TemporaryFolder();
        using TextData data = SmallData(folder);
        var config = new NgramConfig { Order = 3, Smoothing = smoothing };
        var recipe = new Recipe { Model = new("ngram", config) };
        IModelFamily family = ModelFamilies.All.Single(f => f.Name == "ngram");
        using Run run = Run.Create(folder["run"], recipe);
        TrainingReport report = await family.CreateLearner(recipe, data)
            .LearnAsync(run, new Told([]), CancellationToken.None);
        report.StopReason.ShouldBe("converged");
        using NgramModel counted =
            NgramModel.Count(data.Train, config, data.Tokenizer.VocabularySize, data.Facts.StartId);
        Bundle bundle = Bundle.Open(run.BundleFolder);
        using var generator = family.Load(bundle, "cpu").Require<TextGenerator>();
        int[] row = new int[40];
        data.Validation.Read(0, row);
        generator.Model.Score([row])[0].ShouldBe(counted.Score([row])[0]);

        byte[] weights = File.ReadAllBytes(bundle.WeightsPath);
        weights[^1] ^= 0x40; // the last node's token
        File.WriteAllBytes(bundle.WeightsPath, weights);
        Should.Throw<AtelierException>(() => family.Load(bundle, "cpu")).Where.ShouldBe(bundle.WeightsPath);
    }

    [Theory]
    [InlineData("gpt")]
    [InlineData("ngram")]
    [InlineData("hmm")]
    public void A_tokenizer_that_surrounds_texts_is_refused_before_a_model_that_continues_texts_learns(string name)
    {
        using var folder = new TemporaryFolder();
        string source = folder.Write("lines.txt", string.Join('\n', Enumerable.Repeat("the cat sat on a mat", 100)));
        using var words = TextData.Prepare(new DataSection { Source = source, Document = DocumentUnit.Line,
            Tokenizer = new() { Kind = TokenizerKind.WordPiece, VocabularySize = 100 } }, 1, folder["words"]);
        File.Copy(words.TokenizerPath, folder["saved.json"]);
        var saved = new DataSection { Source = source, Tokenizer = new() { File = folder["saved.json"] } };
        using var data = TextData.Prepare(saved, 1, folder["saved"]);

        Refused(new DataSection(), words).ShouldBe("data.tokenizer.kind");
        Refused(saved, data).ShouldBe(folder["saved.json"]);

        string? Refused(DataSection section, TextData data)
        {
            var error = Should.Throw<AtelierException>(() => ModelFamilies.All.Single(family => family.Name == name)
                .CreateLearner(new Recipe { Data = section, Model = new(name, null) }, data));
            error.Message.ShouldContain("'[CLS]', '[SEP]' before and after a text");
            return error.Where;
        }
    }

    [Theory]
    [InlineData("Once upon a time.", "Once")]
    [InlineData("春天来了，一只小猫走来。", "春")]
    public void The_example_of_a_request_begins_with_what_the_vocabulary_has_and_not_with_bytes(string text,
        string prompt)
    {
        var tokenizer = CharacterTokenizer.Train([text], byteFallback: true);
        double[] row = [.. Enumerable.Repeat(1.0 / tokenizer.VocabularySize, tokenizer.VocabularySize)];
        using var generator = new TextGenerator(new MarkovModel([.. row.Select(_ => row)]), tokenizer,
            new DecodingOptions(), startId: 0);
        new TextTask().RequestOptions(generator).Single(option => option.Field == "prompt").Example.ShouldBe(prompt);
    }

    [Fact]
    public void Given_a_tokenizer_of_another_size_then_the_error_names_both_sizes()
    {
        using var folder = new TemporaryFolder();
        using var model =
            new GptModel(new GptConfig { LayerCount = 1, HeadCount = 1, HiddenSize = 4 }, 300, Precision.Fp32, seed: 1);
        new GptFamily()
            .Write(folder["bundle"], model, new ByteTokenizer(), new DecodingOptions(), startId: 0, card: "");
        int size = new ByteTokenizer().VocabularySize;
        var error = Should.Throw<AtelierException>(() => new GptFamily().Load(Bundle.Open(folder["bundle"]), "cpu"));
        error.Message.ShouldBe($"the model has 300 tokens, but the tokenizer has {size}");
    }

    [Fact]
    public void Given_a_config_that_claims_more_than_the_weights_hold_then_no_model_of_that_size_is_made()
    {
        using var folder = new TemporaryFolder();
        int size = new ByteTokenizer().VocabularySize;
        using var model = new GptModel(new GptConfig { LayerCount = 1, HeadCount = 1, HiddenSize = 4 }, size,
            Precision.Fp32, seed: 1);
        new GptFamily()
            .Write(folder["bundle"], model, new ByteTokenizer(), new DecodingOptions(), startId: 0, card: "");
        Bundle bundle = Bundle.Open(folder["bundle"]);
        File.WriteAllText(bundle.ConfigPath,
            File.ReadAllText(bundle.ConfigPath).Replace("\"n_layer\": 1", "\"n_layer\": 1000")
            .Replace("\"n_embd\": 4", "\"n_embd\": 65536"));
        Should.Throw<AtelierException>(() =>
            new GptFamily().Load(bundle, "cpu")).Message.ShouldContain("but config.json describes");
    }

    [Fact]
    public void Given_weights_in_shards_then_they_load_as_one_and_names_outside_the_folder_are_refused()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        using GptModel model =
            GptModelTests.Scrambled(new GptConfig { LayerCount = 2, HeadCount = 2, HiddenSize = 8, ContextLength = 12 },
            new ByteTokenizer().VocabularySize);
        new GptFamily()
            .Write(folder["bundle"], model, new ByteTokenizer(), new DecodingOptions(), startId: 0, card: "");
        Bundle bundle = Bundle.Open(folder["bundle"]);
        Dictionary<string, Tensor> tensors = GptWeights.Export(model);
        string[] shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
        var map = new Dictionary<string, string>();
        foreach (var half in tensors.Select((t, i) => (t, Shard: i % 2)).GroupBy(p => p.Shard))
        {
            TensorFiles.Write(Path.Combine(bundle.Folder, shards[half.Key]),
                half.ToDictionary(p => p.t.Key, p => p.t.Value));
            foreach (var part in half)
                map[part.t.Key] = shards[half.Key];
        }
        File.Delete(bundle.WeightsPath);
        WriteIndex();
        using (var generator = new GptFamily().Load(Bundle.Open(bundle.Folder), "cpu").Require<TextGenerator>())
            TextModels.Logits((TextModel)generator.Model, [1, 2, 3]).ShouldBe(TextModels.Logits(model, [1, 2, 3]));

        map["transformer.wte.weight"] = "../elsewhere.safetensors";
        WriteIndex();
        Should.Throw<AtelierException>(() =>
            new GptFamily().Load(bundle, "cpu")).Message.ShouldContain("outside the folder");

        void WriteIndex() =>
            File.WriteAllText(bundle.WeightsIndexPath,
            System.Text.Json.JsonSerializer.Serialize(new { weight_map = map }));
    }

    private static TextData SmallData(TemporaryFolder folder)
    {
        string path = folder.Write("sums.txt",
            string.Join('\n', Enumerable.Range(0, 60).Select(i => $"{i} times {i} is {i * i}")));
        return TextData.Prepare(
            new DataSection { Source = path, Document = DocumentUnit.Line,
                Split = new() { Train = 0.7, Validation = 0.3, Test = 0 } }, 1, folder["data"]);
    }

    /// <summary>The rows of a batch, each with the token after its last.</summary>
    private static List<int[]> Rows(TextBatches batches, int number)
    {
        using TextBatch batch = batches.Get(number);
        long[] inputs = batch.Inputs.data<long>().ToArray(), targets = batch.Targets.data<long>().ToArray();
        int time = (int)batch.Inputs.shape[1];
        var rows = new List<int[]>();
        for (int start = 0; start < inputs.Length; start += time)
        {
            long[] counted = [.. targets[start..(start + time)].TakeWhile(t => t != TextBatch.NotCounted)];
            rows.Add([(int)inputs[start], .. counted.Select(t => (int)t)]);
        }
        return rows;
    }

    private sealed class Told(List<TrainingProgress> told) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => told.Add(value);
    }
}
