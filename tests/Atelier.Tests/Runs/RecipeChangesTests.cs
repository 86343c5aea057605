using Atelier.Recipes;
using Atelier.Tests.Data;
using Atelier.Tests.Training;
using Atelier.Training;

namespace Atelier.Tests.Runs;

/// <summary>
/// An unfinished run's recipe edited: what no longer fits is refused with its key, what fits is taken.
/// </summary>
[Collection(nameof(OneAtATime))]
public sealed class RecipeChangesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Keys_that_no_longer_fit_are_refused_by_name_and_keys_that_fit_are_taken()
    {
        await Begin();
        string recipe = File.ReadAllText(_folder["run/recipe.yaml"]);
        async Task Refused(string was, string now, string key)
        {
            recipe.ShouldContain(was);
            File.WriteAllText(_folder["run/recipe.yaml"], recipe.Replace(was, now));
            AtelierException refusal =
                await Should.ThrowAsync<AtelierException>(() => new Workshop().ResumeAsync(new(_folder["run"])));
            refusal.Message.ShouldStartWith($"{key} was ");
            refusal.Where.ShouldBe(_folder["run/recipe.yaml"]);
        }
        await Refused("batchSize: 4", "batchSize: 5", "training.batchSize");
        await Refused("gradientAccumulation: 1", "gradientAccumulation: 2", "training.gradientAccumulation");
        await Refused("ema: 0", "ema: 0.9", "training.ema");
        await Refused("name: adamw", "name: sgd", "training.optimizer.name");
        await Refused("seed: 1", "seed: 2", "seed");
        await Refused("hiddenSize: 16", "hiddenSize: 32", "model.hiddenSize");
        await Refused("kind: character", "kind: byte", "data.tokenizer.kind");
        await Refused("document: line", "document: paragraph", "data.document");
        await Refused("train: 0.8", "train: 0.7", "data.split.train");
        await Refused("a.txt", "b.txt", "data.source");

        File.WriteAllText(_folder["run/recipe.yaml"],
            recipe.Replace("steps: 1000", "steps: 12").Replace("temperature: 1", "temperature: 0.5")
            .Replace("learningRate: 0.001", "learningRate: 0.002")
                .Replace("evaluationBatches: null", "evaluationBatches: 3"));
        TrainingOutcome outcome = await new Workshop().ResumeAsync(new(_folder["run"]));
        (outcome.Report.Steps, outcome.Report.StopReason).ShouldBe((12, "steps"));
    }

    [Fact]
    public async Task Before_the_first_checkpoint_only_what_the_data_was_made_by_is_held_to()
    {
        await Begin();
        Directory.Delete(_folder["run/checkpoints"], recursive: true);
        string recipe = File.ReadAllText(_folder["run/recipe.yaml"]).Replace("steps: 1000", "steps: 3");
        File.WriteAllText(_folder["run/recipe.yaml"], recipe.Replace("kind: character", "kind: byte"));
        (await Should.ThrowAsync<AtelierException>(() =>
            new Workshop().ResumeAsync(new(_folder["run"]))))
            .Message.ShouldStartWith("data.tokenizer.kind was character");
        File.WriteAllText(_folder["run/recipe.yaml"],
            recipe.Replace("hiddenSize: 16", "hiddenSize: 32").Replace("batchSize: 4", "batchSize: 8"));
        (await new Workshop().ResumeAsync(new(_folder["run"]))).Report.Steps.ShouldBe(3);
    }

    [Fact]
    public void Every_key_of_a_recipe_is_listed_as_the_recipe_writes_it()
    {
        var recipe = new Recipe { Name = "x", Model = new("gpt", new Atelier.Models.Gpt.GptConfig()) };
        IReadOnlyList<RecipeEntry> entries = RecipeEntry.Of(recipe);
        string written = RecipeWriter.Write(recipe);
        entries.ShouldAllBe(entry =>
            written.Contains($"{entry.Key.Substring(entry.Key.LastIndexOf('.') + 1)}: {entry.Value}\n"));
        entries.Count.ShouldBe(written.Split('\n').Count(line => line.Length > 0 && !line.EndsWith(':')));
        entries.Where(e =>
            e.Key.StartsWith("data.", StringComparison.Ordinal) || e.Key.StartsWith("model.", StringComparison.Ordinal))
            .ShouldAllBe(e => e.MayChange == (e.Key == "model.dropout"));
        entries.Where(e => e.Key.StartsWith("generation.", StringComparison.Ordinal) || e.Key == "training.steps")
            .ShouldAllBe(e => e.MayChange);
    }

    private async Task Begin()
    {
        foreach (string name in (string[])["a.txt", "b.txt"])
            _folder.Write(name, string.Concat(Enumerable.Range(0, 300).Select(i => $"{i} boats went to sea\n")));
        Recipe recipe = new Workshop().ReadRecipe(_folder.Write("r.yaml", $"""
            name: r
            data:
              source: {_folder["a.txt"]}
              document: line
              split:
                train: 0.8
            model:
              family: gpt
              layerCount: 1
              headCount: 2
              hiddenSize: 16
              contextLength: 16
            training:
              steps: 1000
              batchSize: 4
              threads: 1
              replicas: 1
              reportEvery: 1
              sampleEvery: 0
              device: cpu
            """));
        using var stop = new CancellationTokenSource();
        TrainingOutcome begun = await new Workshop().TrainAsync(recipe,
            new(_folder["run"]) { Progress = new Stopping(stop) }, stop.Token);
        begun.IsInterrupted.ShouldBeTrue();
    }

    private sealed class Stopping(CancellationTokenSource stop) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Step >= 2)
                stop.Cancel();
        }
    }
}
