using Atelier.Choose;
using Atelier.Models.Ngram;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tests.Data;
using Atelier.Training;

namespace Atelier.Tests.Choose;

/// <summary>The whole path of a choice, with very small models.</summary>
public sealed class ChoosingTests : IDisposable
{
    private static readonly string[] Short =
        ["training.steps=150", "training.threads=1", "training.replicas=1", "training.batchSize=8"];

    private readonly TemporaryFolder _folder = new();
    private readonly Workshop _workshop;
    private readonly string _text;

    public ChoosingTests()
    {
        _workshop = new(new WorkshopOptions { Families = [new TinyFamily(), new NgramFamily()], Home = At("home") });
        _text = At("rhymes.txt");
        File.WriteAllText(_text, string.Concat(Enumerable.Range(0, 600).Select(i => FormattableString.Invariant(
            $"{i * 7919 % 600} little boats went out to sea, {i * 31 % 97} came home.\n"))));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_choice_is_by_trials_forecasts_what_it_did_not_train_and_its_recipe_trains()
    {
        ChoiceReport report = await _workshop.ChooseAsync(Options(), At("choice"));
        report.Headline!.Metric.ShouldBe("crossEntropyPerCharacter");
        report.Candidates.Select(one => one.Family).Distinct().Order().ShouldBe(["ngram", "tiny"]);
        ChoiceCandidate fast = One(report, "tiny rate 0.01"), slow = One(report, "tiny rate 1E-07");
        fast.Trials[0].Figure.Value.ShouldBeLessThan(slow.Trials[0].Figure.Value);
        fast.Rounds.ShouldBeGreaterThan(slow.Rounds);
        (fast.Expected!.High - fast.Expected.Low).ShouldBeLessThan(slow.Expected!.High - slow.Expected.Low);
        fast.IsMeasured.ShouldBeFalse();
        (fast.Expected.Low, fast.Expected.High).ShouldNotBe((fast.Expected.Value, fast.Expected.Value));
        ChoiceCandidate counted = report.Candidates.First(one => one.Family == "ngram");
        counted.IsMeasured.ShouldBeTrue();
        counted.Footprint!.Bytes.ShouldBeOneOf([.. Directory.EnumerateFiles(At("choice"), "model.safetensors",
            SearchOption.AllDirectories).Select(file => new FileInfo(file).Length)]);
        fast.CannotDo.ShouldContain("see more than 16 tokens back");
        report.Recommended.Family.ShouldBe("ngram"); // 150 tiny steps do not reach counting
        _workshop.History.List().ShouldBeEmpty(); // trials are no runs

        Recipe recipe = _workshop.ReadRecipe(report.RecipePath!);
        TrainingOutcome outcome = await _workshop.TrainAsync(recipe, new TrainingOptions(At("run")));
        outcome.Family.ShouldBe(report.Recommended.Family);
        File.Exists(report.PlotPath).ShouldBeTrue();
    }

    [Fact]
    public async Task A_choice_that_is_continued_keeps_its_trials_and_verifies_itself()
    {
        ChoiceReport first = await _workshop.ChooseAsync(Options(), At("choice"));
        string trial = Path.Combine(At("choice"), "trials", "tiny-1", "rung-1", "trial.json");
        DateTime written = File.GetLastWriteTimeUtc(trial);
        ChoiceReport again = await _workshop.ChooseAsync(Options() with { Resume = true, Verify = true }, At("choice"));
        File.GetLastWriteTimeUtc(trial).ShouldBe(written);
        One(again, "tiny rate 0.01").Trials[0].Figure.ShouldBe(One(first, "tiny rate 0.01").Trials[0].Figure);
        ChoiceVerification verified = again.Verification!;
        verified.Forecasts.ShouldBe(2);
        verified.BestValue.ShouldBe(again.Candidates.Min(one => one.Full!.Figure.Value));
        verified.ChosenValue.ShouldBe(again.Recommended.Full!.Figure.Value);
        verified.Behind.ShouldBe((verified.ChosenValue / verified.BestValue) - 1, 1e-9);
        // the full training, made by hand, has the same figure on its validation data
        TrainingReport plain = (await _workshop.TrainAsync(_workshop.ReadRecipe(
            Path.Combine(At("choice"), "trials", "tiny-1", "full", "recipe.yaml")), new(At("run")))).Report;
        plain.Metrics["validationLoss"].ShouldBe(One(again, "tiny rate 0.01").Full!.ValidationLoss!.Value, 1e-4);

        var other = Options() with { Resume = true, Families = ["ngram"] };
        (await Should.ThrowAsync<AtelierException>(_workshop.ChooseAsync(other, At("choice")))).Message
            .ShouldContain("other data, families or settings");
        (await Should.ThrowAsync<AtelierException>(_workshop.ChooseAsync(Options(), At("choice")))).Message
            .ShouldContain("holds a choice already");
    }

    [Fact]
    public async Task An_interrupted_choice_reports_the_trials_before_it()
    {
        using var stop = new CancellationTokenSource();
        var progress = new Watching(message =>
        {
            if (message.Contains("tiny", StringComparison.Ordinal))
                stop.Cancel();
        });
        ChoiceReport report = await _workshop.ChooseAsync(Options(), At("choice"), progress, stop.Token);
        report.IsInterrupted.ShouldBeTrue();
        report.Recommended.Family.ShouldBe("ngram");
        report.Candidates.Where(one => one.Family == "tiny").ShouldAllBe(one => one.Failure == "not tried");
        (await _workshop.ChooseAsync(Options() with { Resume = true }, At("choice"))).IsInterrupted.ShouldBeFalse();
    }

    [Fact]
    public async Task Advice_alone_trains_nothing_and_a_budget_that_cannot_be_met_leaves_nothing()
    {
        ChoiceReport advice = await _workshop.ChooseAsync(Options() with { ExplainOnly = true }, At("choice"));
        advice.IsAdviceOnly.ShouldBeTrue();
        advice.Reasons[0].ShouldContain("nothing was trained");
        Directory.Exists(At("choice")).ShouldBeFalse();

        AtelierException error = await Should.ThrowAsync<AtelierException>(
            _workshop.ChooseAsync(Options() with { Minutes = 0.0005, Families = ["tiny"] }, At("choice")));
        error.Message.ShouldContain("too short to try 2 candidates");
        error.Hint!.ShouldContain("minutes");
        Directory.Exists(At("choice")).ShouldBeFalse();
    }

    [Fact]
    public void A_trial_is_a_whole_training_in_small_with_a_limit_of_time()
    {
        var training = new TrainingSection { Steps = 3000, Schedule = new() { WarmupSteps = 100 } };
        var candidate = new Candidate("tiny-1", new TinyFamily(), "", new Recipe { Training = training });
        TrainingSection trial = candidate.Shortened(200, seconds: 30, isEvaluated: true).Training;
        (trial.Steps, trial.Minutes, trial.Schedule.WarmupSteps).ShouldBe((200, 0.5, 20));
        (trial.Schedule.DecaySteps, trial.SampleEvery, trial.EvaluateEvery).ShouldBe((null, 0, 0));
        candidate.Shortened(3000, seconds: null, isEvaluated: true).Training.Schedule.WarmupSteps.ShouldBe(100);
    }

    private ChoiceOptions Options() => new(_text) { Overrides = Short };

    private static ChoiceCandidate One(ChoiceReport report, string name) =>
        report.Candidates.Single(one => one.Name == name);

    private string At(string name) => Path.Combine(_folder.Path, name);

    private sealed class Watching(Action<string> seen) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => seen(value.Message ?? "");
    }
}
