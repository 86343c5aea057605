using System.Globalization;
using Atelier.Abstractions;
using Atelier.Models;
using Atelier.Recipes;
using Atelier.Tasks;
using Atelier.Training;

namespace Atelier.Cli.Tests;

/// <summary>Whatever is cancelled ends: what it does after that is counted, and no time is measured.</summary>
[Collection(nameof(ToolCollection))]
public sealed class CancellationTests : IDisposable
{
    // remarks after a cancellation: a step's report, a checkpoint, a sample, the end
    private const int MostToFinish = 4;
    private readonly ToolRunner _tool = new();

    public void Dispose() => _tool.Dispose();

    [Theory]
    [InlineData("gpt", 0)]
    [InlineData("gpt", 1)]
    [InlineData("gpt", 4)]
    [InlineData("gpt", 9)]
    [InlineData("rnn", 6)]
    [InlineData("ngram", 0)]
    [InlineData("ngram", 3)]
    [InlineData("hmm", 0)]
    [InlineData("hmm", 6)]
    [InlineData("independent", 0)]
    [InlineData("bayesian-network", 0)]
    [InlineData("bayesian-network", 2)]
    public async Task Training_ends_within_a_step_of_its_cancellation_wherever_it_is(string family, int remark)
    {
        using var cancel = new Canceller(remark);
        string folder = _tool.At("run");
        bool isTable = family is "independent" or "bayesian-network";
        Recipe recipe = Recipe(family, isTable ? Table() : Text());
        TrainingOutcome? outcome = null;
        try
        {
            outcome = await new Workshop().TrainAsync(recipe, new(folder) { Progress = cancel }, cancel.Token);
        }
        catch (OperationCanceledException)
        {
            // It had nothing to keep.
        }
        cancel.Token.IsCancellationRequested.ShouldBeTrue("the training was to be cancelled before it ended");
        cancel.RemarksAfter.ShouldBeLessThanOrEqualTo(MostToFinish);
        cancel.StepsAfter.ShouldBeLessThanOrEqualTo(1);
        if (outcome is null)
            return;
        if (!outcome.IsInterrupted)
            family.ShouldBe("bayesian-network"); // its last remark comes when all is learned
        else if (outcome.Report.Steps > 0)
            Directory.Exists(Path.Combine(folder, "checkpoints",
                string.Create(CultureInfo.InvariantCulture, $"step-{outcome.Report.Steps}"))).ShouldBeTrue();
    }

    [Fact]
    public async Task Judging_compressing_and_looking_for_a_learning_rate_end_at_the_remark_that_they_are_cancelled_at()
    {
        string run = await TrainedAsync();
        for (int remark = 0; remark < 3; remark++)
        {
            using var judging = new Canceller(remark);
            await Should.ThrowAsync<OperationCanceledException>(() =>
                new Workshop().EvaluateAsync(run, progress: judging, cancellation: judging.Token));
            judging.RemarksAfter.ShouldBe(0);
            using var compressing = new Canceller(remark);
            await Should.ThrowAsync<OperationCanceledException>(() =>
                new Workshop().CompressAsync(run, _tool.At("small"), new() { Type = "q8" }, compressing,
                    compressing.Token));
            compressing.RemarksAfter.ShouldBeLessThanOrEqualTo(1); // two measurements of a moment each are one remark
            Directory.Exists(_tool.At("small")).ShouldBeFalse();
            Directory.Exists(_tool.At("small.partial")).ShouldBeFalse();
        }
        using var sweep = new Canceller(8);
        await Should.ThrowAsync<OperationCanceledException>(() =>
            new Workshop().FindLearningRateAsync(Recipe("gpt", Text()), sweep, sweep.Token));
        sweep.StepsAfter.ShouldBeLessThanOrEqualTo(1);
    }

    [Fact]
    public async Task Nothing_is_begun_or_left_where_it_is_cancelled_before()
    {
        string run = await TrainedAsync();
        var cancelled = new CancellationToken(canceled: true);
        foreach (string format in (string[])["gguf", "huggingface"])
        {
            Should.Throw<OperationCanceledException>(() =>
                new Workshop().Export(run, format, _tool.At("out"), null, null, cancelled));
            File.Exists(_tool.At("out")).ShouldBeFalse();
            Directory.Exists(_tool.At("out")).ShouldBeFalse();
            Directory.Exists(_tool.At("out.partial")).ShouldBeFalse();
        }
        string file = new Workshop().Export(run, "gguf", _tool.At("model.gguf"));
        Should.Throw<OperationCanceledException>(() =>
            new Workshop().Import(file, null, _tool.At("in"), null, cancelled));
        Directory.Exists(_tool.At("in")).ShouldBeFalse();
        Directory.Exists(_tool.At("in.partial")).ShouldBeFalse();

        Should.Throw<OperationCanceledException>(() =>
            new Workshop().Open(run, new() { ForTraining = true }, cancelled));
        foreach (ITask kind in TaskList.All)
        {
            IModelFamily family = ModelFamilies.All.First(f => f.Tasks.Any(k => k.Name == kind.Name));
            Should.Throw<OperationCanceledException>(() => kind.Advise(run, family, cancelled));
        }

        using ITrainedModel model = new Workshop().Open(run);
        using var cancel = new CancellationTokenSource();
        int drawn = 0;
        await Should.ThrowAsync<OperationCanceledException>(async () =>
        {
            await foreach (Sample sample in model.Require<IGenerator>().GenerateAsync(new() { Count = 1000 },
                cancel.Token))
            {
                drawn++;
                await cancel.CancelAsync();
            }
        });
        drawn.ShouldBeLessThan(100); // those that were under way together
    }

    private static Recipe Recipe(string family, string source) =>
        RecipeReader.Parse("", "test", Models.ModelFamilies.All,
    [
        $"data.source={source}", $"model.family={family}",
        .. family is "gpt" or "rnn"
            ? (string[])["training.steps=100000", "training.batchSize=4", "training.reportEvery=1",
                "training.threads=1", "training.evaluateEvery=5", "training.sampleEvery=7", "model.hiddenSize=16"]
            : [],
        .. family == "gpt" ? (string[])["model.layerCount=1", "model.headCount=2", "model.contextLength=16"] : [],
        .. family == "hmm" ? (string[])["model.stateCount=3", "model.tolerance=0", "model.iterations=10000"] : [],
    ]);

    private async Task<string> TrainedAsync()
    {
        Recipe recipe = Recipe("gpt", Text());
        recipe = recipe with { Training = recipe.Training with { Steps = 3 },
            Evaluation = recipe.Evaluation with { Samples = 2, SampleTokens = 16, BootstrapSamples = 10 } };
        return (await new Workshop().TrainAsync(recipe, new(_tool.At("trained")))).Folder;
    }

    private string Text()
    {
        string path = _tool.At("boats.txt");
        File.WriteAllText(path,
            string.Concat(Enumerable.Range(0, 400)
            .Select(i => string.Create(CultureInfo.InvariantCulture, $"{i} little boats and {i + 1} more.\n\n"))));
        return path;
    }

    private string Table()
    {
        string path = _tool.At("coins.csv");
        File.WriteAllText(path,
            "coin,side,day\n"
            + string.Concat(Enumerable.Range(0, 600)
            .Select(i => $"{(i % 2 == 0 ? "old" : "new")},{(i % 3 == 0 ? "head" : "tail")},{i % 7}\n")));
        return path;
    }

    /// <summary>Cancels at a remark, and counts what comes after it.</summary>
    private sealed class Canceller(int remark) : IProgress<string>, IProgress<TrainingProgress>, IDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private int _remarks;
        private long _step;

        public CancellationToken Token => _stop.Token;

        public int RemarksAfter { get; private set; }

        public long StepsAfter { get; private set; }

        public void Report(string value) => Report(0);

        public void Report(TrainingProgress value) => Report(value.Step);

        public void Dispose() => _stop.Dispose();

        private void Report(long step)
        {
            if (_stop.IsCancellationRequested)
            {
                RemarksAfter++;
                StepsAfter = Math.Max(StepsAfter, step - _step);
                return;
            }
            _step = Math.Max(_step, step);
            if (_remarks++ == remark)
                _stop.Cancel();
        }
    }
}
