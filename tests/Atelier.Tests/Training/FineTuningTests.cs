using Atelier.Models.Gpt;
using Atelier.Models.Rnn;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tensors;
using Atelier.Tests.Data;
using Atelier.Training;
using Atelier.Training.Optimizers;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Atelier.Tests.Training;

/// <summary>Training that starts from a bundle, with frozen weights and layer-wise rates.</summary>
public sealed class FineTuningTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FineTunedRuns _runs;

    public FineTuningTests() => _runs = new FineTunedRuns(_folder);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("gpt")]
    [InlineData("rnn")]
    public async Task Training_starts_at_the_loss_of_the_bundle(string family)
    {
        TrainingOutcome first = await _runs.TrainAsync("base", family, "training.steps=6");
        TrainingOutcome second =
            await _runs.ContinueAsync("base", "next", "training.steps=1", "training.optimizer.learningRate=0");
        second.Family.ShouldBe(family);
        second.Report.Metrics["validationLoss"].ShouldBe(first.Report.Metrics["validationLoss"], 1e-6);
        Recipe resolved = Run.ReadRecipe(_folder["next"], _runs.Workshop.Families);
        resolved.Training.FromWeights.ShouldBe(
            BundleIdentity.Of(Bundle.Open(_folder["base"])).Weights);
        resolved.Data.Tokenizer.File.ShouldBe(_folder["base/bundle/tokenizer.json"]);
        File.ReadAllText(_folder["next/bundle/README.md"]).ShouldContain(resolved.Training.FromWeights!);
    }

    [Fact]
    public async Task A_recipe_that_contradicts_the_bundle_is_refused_by_the_key_and_both_values()
    {
        await _runs.TrainAsync("base", "gpt", "training.steps=1");
        async Task Refuses(string setting, params string[] said)
        {
            AtelierException error = await Should.ThrowAsync<AtelierException>(() =>
                _runs.ContinueAsync("base", "refused", setting));
            foreach (string words in said)
                error.ToLine().ShouldContain(words);
            Directory.Exists(_folder["refused"]).ShouldBeFalse();
        }

        await Refuses("model.hiddenSize=64", "model.hiddenSize is 64", "has 32");
        await Refuses("model.layerCount=4", "model.layerCount is 4", "has 2"); // 4 is the default
        await Refuses("model.family=rnn", "model.family is rnn", "has gpt");
        await Refuses("data.tokenizer.kind=bpe", "data.tokenizer.kind is bpe", "extendVocabulary");
        await Refuses("training.fromWeights=abc", "training.fromWeights is abc");
        await _runs.ContinueAsync("base", "dropped", "model.dropout=0.25", "training.steps=1");
        Run.ReadRecipe(_folder["dropped"], _runs.Workshop.Families).Model.Config.ShouldBeOfType<GptConfig>()
            .Dropout.ShouldBe(0.25);
    }

    [Fact]
    public void Zeros_cannot_be_kept_where_adapters_learn_instead_of_the_weights() =>
        Should.Throw<AtelierException>(() => _runs.Continued("base", "training.lora.rank=4", "training.keepZeros=true"))
            .ToLine().ShouldContain("training.keepZeros would be ignored: training.lora");

    [Theory]
    [InlineData("training.lora.rank=4", "training.lora needs a model to start from")]
    [InlineData("training.extendVocabulary=[a]", "training.extendVocabulary needs a model to start from")]
    [InlineData("training.keepZeros=true", "training.keepZeros needs a model to start from")]
    [InlineData("training.lora.rank=0", "training.lora.rank is '0'")]
    public async Task What_needs_a_bundle_is_refused_without_one(string setting, string said) =>
        (await Should.ThrowAsync<AtelierException>(() => _runs.TrainAsync("base", "gpt", setting))).ToLine()
            .ShouldContain(said);

    [Fact]
    public async Task New_tokens_get_rows_near_the_mean_and_the_old_ones_keep_theirs()
    {
        await _runs.TrainAsync("base", "gpt", "training.steps=1");
        await _runs.ContinueAsync("base", "next", "training.steps=1", "training.optimizer.learningRate=0",
            "training.extendVocabulary=['<user>', '<bot>']");
        using var scope = NewDisposeScope();
        Tensor old = Read(scope, "base")["transformer.wte.weight"],
            now = Read(scope, "next")["transformer.wte.weight"];
        now.shape.ShouldBe([old.shape[0] + 2, old.shape[1]]);
        now.narrow(0, 0, old.shape[0]).allclose(old, 0, 0).ShouldBeTrue();
        Tensor rows = now.narrow(0, old.shape[0], 2), mean = old.mean([0]);
        Tensor deviation = (old - mean).square().mean([0]).sqrt();
        // normal noise of a tenth of the deviation
        double most = ((rows - mean) / deviation).abs().max().ToDouble();
        most.ShouldBeInRange(0.05, 0.6);
        rows[0].allclose(rows[1], 0, 0).ShouldBeFalse();
        Atelier.Tokenizers.Tokenizer tokenizer =
            Atelier.Tokenizers.TokenizerFile.Load(_folder["next/bundle/tokenizer.json"]);
        tokenizer.Encode("a<bot>b").ShouldBe([.. tokenizer.Encode("a"), (int)old.shape[0] + 1,
            .. tokenizer.Encode("b")]);
        (await Should.ThrowAsync<AtelierException>(() => _runs.ContinueAsync("next", "again",
            "training.extendVocabulary=['<bot>']"))).ToLine().ShouldContain("'<bot>' already");
    }

    [Fact]
    public async Task Frozen_weights_do_not_move_by_a_bit()
    {
        await _runs.TrainAsync("base", "gpt", "training.steps=1");
        await _runs.ContinueAsync("base", "next", "training.steps=3", "training.freeze.embeddings=true",
            "training.freeze.layers=1", "training.freeze.parameters=[finalNorm.*]", "training.replicas=2");
        using var scope = NewDisposeScope();
        IReadOnlyDictionary<string, Tensor> old = Read(scope, "base"), now = Read(scope, "next");
        foreach ((string name, Tensor tensor) in now)
        {
            bool isFrozen = name.Contains(".h.0.", StringComparison.Ordinal)
                || name.Contains(".wte.", StringComparison.Ordinal) || name.Contains(".wpe.", StringComparison.Ordinal)
                || name.Contains(".ln_f.", StringComparison.Ordinal);
            tensor.allclose(old[name], 0, 0).ShouldBe(isFrozen, name);
        }
        (await Should.ThrowAsync<AtelierException>(() => _runs.ContinueAsync("base", "no", "training.freeze.layers=3")))
            .ToLine().ShouldContain("this model has 2 layers");
        (await Should.ThrowAsync<AtelierException>(() => _runs.ContinueAsync("base", "no",
            "training.freeze.parameters=[nothing*]"))).ToLine().ShouldContain("'nothing*'");
        (await Should.ThrowAsync<AtelierException>(() => _runs.ContinueAsync("base", "no",
            "training.freeze.parameters=['*']"))).ToLine().ShouldContain("are frozen");
    }

    [Fact]
    public void Rates_fall_by_the_decay_from_each_layer_to_the_one_below_it()
    {
        var config = new GptConfig { LayerCount = 3, HeadCount = 2, HiddenSize = 16, TieHead = false };
        using var gpt = new GptModel(config, 40, Precision.Fp32, seed: 1);
        Func<string, double> factor = FineTuning.RateFactors(gpt, new TrainingSection { LayerDecay = 0.5 })!;
        factor("head.weight").ShouldBe(1);
        factor("finalNorm.weight").ShouldBe(1);
        for (int layer = 0; layer < 3; layer++)
            factor($"blocks.{layer}.attention.qkv.weight").ShouldBe(Math.Pow(0.5, 3 - layer), 1e-12);
        factor("tokens.weight").ShouldBe(Math.Pow(0.5, 4), 1e-12);
        factor("positions.weight").ShouldBe(Math.Pow(0.5, 4), 1e-12);

        using var rnn = new RnnModel(new RnnConfig { LayerCount = 2, EmbeddingSize = 8, HiddenSize = 8 }, 40,
            Precision.Fp32, seed: 1);
        factor = FineTuning.RateFactors(rnn, new TrainingSection { LayerDecay = 0.1 })!;
        factor("layers.1.weight_ih").ShouldBe(0.1, 1e-12);
        factor("embedding.weight").ShouldBe(0.001, 1e-12);
        FineTuning.RateFactors(rnn, new TrainingSection()).ShouldBeNull();
    }

    private IReadOnlyDictionary<string, Tensor> Read(DisposeScope scope, string run)
    {
        IReadOnlyDictionary<string, Tensor> tensors = BundleTensors.Read(Bundle.Open(_folder[run]));
        foreach (Tensor tensor in tensors.Values)
            scope.Attach(tensor);
        return tensors;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void An_optimizer_moves_parameters_by_their_own_rates(int shards)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        Parameter[] parameters = [.. new long[][] { [3, 4], [5], [2, 6], [7] }.Select(shape =>
            new Parameter(zeros(shape)))];
        Tensor[] Ones(IEnumerable<Parameter> like) => [.. like.Select(p => ones(p.shape))];
        using Optimizer optimizer = Optimizer.Create(
            new OptimizerSection { Name = OptimizerName.Sgd, WeightDecay = 0 },
            parameters.Select((p, i) => ($"{i}", p)), shards, name => 1.0 / (1 + (name[0] - '0')));
        optimizer.Step(Ones(optimizer.Parameters), 0.5);
        for (int i = 0; i < parameters.Length; i++)
            parameters[i].detach().data<float>().ToArray().ShouldAllBe(v => Math.Abs(v + (0.5 / (1 + i))) < 1e-6);
    }
}

/// <summary>Tiny runs of text models, and others that start from them.</summary>
internal sealed class FineTunedRuns(TemporaryFolder folder)
{
    private static readonly string[] s_tiny =
    [
        "data.source=world:stories-en", "data.worldDocuments=200", "data.tokenizer.kind=byte", "training.batchSize=4",
        "training.evaluateEvery=0", "training.sampleEvery=0", "training.checkpointEvery=0", "training.precision=fp32",
        "training.device=cpu", "training.threads=1", "training.schedule.warmupSteps=0",
    ];

    public Workshop Workshop { get; } = new(new WorkshopOptions { Home = folder["home"] });

    public async Task<TrainingOutcome> TrainAsync(string run, string family, params string[] settings)
    {
        string[] shape = family == "gpt"
            ? ["model.layerCount=2", "model.headCount=2", "model.hiddenSize=32", "model.contextLength=24"]
            : ["model.hiddenSize=16", "model.embeddingSize=16", "model.contextLength=24", "model.layerCount=2"];
        return await Workshop.TrainAsync(Read([$"model.family={family}", .. shape, .. s_tiny, .. settings]),
            new(folder[run]));
    }

    public async Task<TrainingOutcome> ContinueAsync(string from, string run, params string[] settings) =>
        await Workshop.TrainAsync(Continued(from, settings), new(folder[run]));

    public Recipe Continued(string from, params string[] settings) => Read(
        [.. s_tiny.Where(setting => !setting.StartsWith("data.tokenizer", StringComparison.Ordinal)),
            $"training.from='{folder[from]}'", .. settings]);

    private Recipe Read(string[] settings) => RecipeReader.Parse("", "tiny", Workshop.Families, settings);
}
