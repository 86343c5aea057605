using System.Diagnostics;
using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Evaluation;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Training;

namespace Atelier.Choose;

/// <summary>
/// Trains candidates for some steps and evaluates them on the validation part. The data are prepared once and shared.
/// Results are kept in the folder of the choice, so that a trial that was finished is not run again.
/// </summary>
/// <param name="folder">The folder of the choice.</param>
/// <param name="task">The task.</param>
/// <param name="open">Opens the bundle in a folder.</param>
/// <param name="home">The home folder, which stores measured execution plans.</param>
/// <param name="progress">Receives progress reports.</param>
internal sealed class TrialRunner(string folder, ITask task, Func<string, ITrainedModel> open, string home,
    IProgress<TrainingProgress> progress)
{
    private const int TrialPictures = 200; // generated to compare image models
    private const string TokenizerName = "tokenizer.json";
    private const int TrialResamples = 200;

    private readonly Dictionary<string, string> _prepared = []; // the folders of prepared data, by what they depend on

    private bool IsEvaluated => task.Trials.Loss is null;

    /// <summary>Runs a trial, or returns the result of an earlier run.</summary>
    /// <param name="candidate">The candidate.</param>
    /// <param name="name">The name of the trial's folder, such as "rung-1".</param>
    /// <param name="steps">The number of steps; ignored by a family that takes none.</param>
    /// <param name="seconds">The longest time in seconds; null for no limit.</param>
    /// <param name="cancellation">Ends the trial without a result.</param>
    /// <exception cref="AtelierException">The training failed, or there is nothing to evaluate on.</exception>
    public async Task<Trial> RunAsync(Candidate candidate, string name, long steps, double? seconds,
        CancellationToken cancellation)
    {
        string data = await PreparedAsync(candidate.Recipe, cancellation).ConfigureAwait(false);
        Recipe recipe = candidate.Shortened(steps, seconds, IsEvaluated);
        return await RunAsync(candidate, name, recipe, data, data, cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// Runs a trial on a part of the training data, judged on the same validation part; returns null if the data cannot
    /// be made fewer, because their parts are published.
    /// </summary>
    /// <param name="candidate">The candidate.</param>
    /// <param name="steps">The number of steps.</param>
    /// <param name="share">The share of the training data to train on.</param>
    /// <param name="cancellation">Ends the trial without a result.</param>
    public async Task<Trial?> RunOnLessAsync(Candidate candidate, long steps, double share,
        CancellationToken cancellation)
    {
        string data = await PreparedAsync(candidate.Recipe, cancellation).ConfigureAwait(false);
        Recipe recipe = candidate.Shortened(steps, seconds: null, IsEvaluated);
        recipe = recipe with { Data = Reduced(recipe.Data, share, data) };
        string trained = await PreparedAsync(recipe, cancellation).ConfigureAwait(false);
        string name = FormattableString.Invariant($"data-{share:0.##}");
        return SizeOf(trained) > Math.Sqrt(share) * SizeOf(data) ? null
            : await RunAsync(candidate, name, recipe, data, trained, cancellation).ConfigureAwait(false);
    }

    private async Task<Trial> RunAsync(Candidate candidate, string name, Recipe recipe, string data, string trained,
        CancellationToken cancellation)
    {
        string place = Path.Combine(folder, "trials", candidate.Id, name);
        if (Trial.Read(place) is { } known)
            return known;
        if (Directory.Exists(place))
            Directory.Delete(place, recursive: true); // it was interrupted
        var watch = Stopwatch.StartNew();
        var clock = new StepClock(progress, watch);
        TrainingReport report = await LearnAsync(candidate, recipe, place, trained, clock, cancellation)
            .ConfigureAwait(false);
        string bundle = Path.Combine(place, "bundle");
        Headline headline;
        Metric figure;
        if (task.Trials.Loss is { } loss && report.Metrics.TryGetValue(loss, out double value))
        {
            string unit = report.Units.GetValueOrDefault(loss) ?? "";
            (headline, figure) = (new Headline(loss, unit, MoreIsBetter: false), Metric.Exact(value, unit));
        }
        else
        {
            using ITrainedModel model = open(bundle);
            EvaluationReport evaluated = await EvaluateAsync(model, recipe, data, cancellation).ConfigureAwait(false);
            (headline, figure) = (evaluated.Headline, evaluated.Metrics[evaluated.Headline.Metric]);
        }
        var trial = new Trial
        {
            Steps = report.Steps,
            Seconds = watch.Elapsed.TotalSeconds,
            SecondsPerStep = clock.SecondsPerStep ?? report.Seconds / Math.Max(1, report.Steps),
            Figure = figure,
            Headline = headline,
            TrainingLoss = Of("trainingLoss"),
            ValidationLoss = Of("validationLoss"),
            Footprint = name is Halving.FirstRung
                ? await FootprintMeter.MeasureAsync(bundle, open, task, cancellation).ConfigureAwait(false)
                : null,
        };
        trial.Write(place);
        return trial;

        double? Of(string metric) => report.Metrics.TryGetValue(metric, out double found) ? found : null;
    }

    /// <summary>Returns the time that a step of a candidate takes, in seconds, from a few of them.</summary>
    public async Task<double> TimeStepAsync(Candidate candidate, CancellationToken cancellation)
    {
        const int steps = 8;
        string data = await PreparedAsync(candidate.Recipe, cancellation).ConfigureAwait(false);
        using var work = new WorkFolder();
        Recipe recipe = candidate.Shortened(steps, seconds: null, IsEvaluated);
        recipe = recipe with
        {
            Training = recipe.Training with { ReportEvery = 1, EvaluationBatches = 1 },
        };
        var clock = new StepClock(progress, Stopwatch.StartNew());
        TrainingReport report = await LearnAsync(candidate, recipe, Path.Combine(work.Path, "run"), data, clock,
            cancellation).ConfigureAwait(false);
        return clock.SecondsPerStep ?? report.Seconds / steps;
    }

    private async Task<TrainingReport> LearnAsync(Candidate candidate, Recipe recipe, string place, string data,
        StepClock clock, CancellationToken cancellation)
    {
        using IDataSource source = task.Open(data);
        using var run = Run.Create(place, recipe);
        run.Home = home;
        ILearner learner = await Task.Run(() => candidate.Family.CreateLearner(recipe, source), cancellation)
            .ConfigureAwait(false);
        TrainingReport report = await learner.LearnAsync(run, clock, cancellation).ConfigureAwait(false);
        if (report.StopReason == "interrupted")
            throw new OperationCanceledException(cancellation);
        if (Directory.Exists(run.CheckpointFolder))
            Directory.Delete(run.CheckpointFolder, recursive: true); // longer trials start again
        return report;
    }

    private async Task<EvaluationReport> EvaluateAsync(ITrainedModel model, Recipe recipe, string data,
        CancellationToken cancellation)
    {
        using IDataSource held = task.Open(data);
        EvaluationSection options = recipe.Evaluation with
        {
            Samples = 0, LikelihoodPictures = 0, Pictures = Math.Min(recipe.Evaluation.Pictures, TrialPictures),
            BootstrapSamples = TrialResamples,
        };
        // the folder of the choice caches what judges images
        var context = new EvaluationContext(model, held, options, folder, recipe.Seed, Picture: null, folder)
        {
            OnValidation = true, HeadlineOnly = true,
        };
        return await task.EvaluateAsync(context, new Messages(progress), cancellation).ConfigureAwait(false);
    }

    /// <summary>Returns a smaller part of the training data, encoded by the tokenizer of all of them.</summary>
    private static DataSection Reduced(DataSection section, double share, string data)
    {
        string tokenizer = Path.Combine(data, TokenizerName);
        return section with
        {
            Split = section.Split with { Train = share * section.Split.Train, Validation = 0, Test = 0 },
            Tokenizer = File.Exists(tokenizer) ? new TokenizerSection { File = tokenizer } : section.Tokenizer,
        };
    }

    private static long SizeOf(string data) => new DirectoryInfo(data).EnumerateFiles("*", SearchOption.AllDirectories)
        .Where(file => file.Name != TokenizerName).Sum(file => file.Length);

    /// <summary>Returns the folder of prepared data, and prepares them if this has not been done.</summary>
    private async Task<string> PreparedAsync(Recipe recipe, CancellationToken cancellation)
    {
        string key = RecipeWriter.Write(new Recipe { Data = recipe.Data, Seed = recipe.Seed });
        if (_prepared.TryGetValue(key, out string? known))
            return known;
        using var hash = new DataFingerprint();
        string place = Path.Combine(folder, "data", hash.Add(key).TakeText()[..8]);
        if (!File.Exists(Path.Combine(place, PreparedFacts.FileName)))
        {
            IDataSource prepared = await Task.Run(() => task.Prepare(recipe, place, new Messages(progress),
                cancellation), cancellation).ConfigureAwait(false);
            prepared.Dispose();
        }
        return _prepared[key] = place;
    }

    /// <summary>Measures the time of a step between two reports, and passes them on.</summary>
    private sealed class StepClock(IProgress<TrainingProgress> progress, Stopwatch watch) : IProgress<TrainingProgress>
    {
        private (long Step, double Seconds)? _first, _last;

        /// <summary>The time of a step in seconds; null if there were fewer than two reports.</summary>
        public double? SecondsPerStep => _first is { } first && _last is { } last && last.Step > first.Step
            ? (last.Seconds - first.Seconds) / (last.Step - first.Step) : null;

        public void Report(TrainingProgress value)
        {
            if (value is { Step: > 0, Loss: not null, ValidationLoss: null })
            {
                _last = (value.Step, watch.Elapsed.TotalSeconds);
                _first ??= _last;
            }
            if (value.IsLearning || value is { Step: > 0, Sample: null })
                progress.Report(value with { Message = null }); // of checkpoints and plans
        }
    }

    private sealed class Messages(IProgress<TrainingProgress> progress) : IProgress<string>
    {
        public void Report(string value) => progress.Report(new TrainingProgress { Step = 0, Message = value });
    }
}
