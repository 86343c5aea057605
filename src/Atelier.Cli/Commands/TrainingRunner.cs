using System.Globalization;
using System.Text.Json.Nodes;
using Atelier.Evaluation;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Tensors.Profiling;
using Atelier.Tensors.Ranks;
using Atelier.Training;

namespace Atelier.Cli.Commands;

/// <summary>Runs a training, shows its progress and reports its result.</summary>
/// <param name="console">Where to report.</param>
/// <param name="workshop">The workshop.</param>
/// <param name="job">The job whose ranks train together, of which the first reports; null for one process.</param>
internal sealed class TrainingRunner(ToolConsole console, Workshop workshop, RankJob? job = null)
{
    private const int ShownSamples = 3;

    /// <summary>Trains and shows the result.</summary>
    /// <param name="options">The folder of the run, as the user wrote it, and the profile.</param>
    /// <param name="learn">Trains with the options and their progress.</param>
    /// <param name="cancellation">Cancels the evaluation.</param>
    public async Task<int> RunAsync(TrainingOptions options, Func<TrainingOptions, Task<TrainingOutcome>> learn,
        CancellationToken cancellation)
    {
        (string folder, StepProfile? profile) = (options.Folder, options.Profile);
        string shown = ShownPath.Of(folder), next = $"atelier train --resume --out {shown}";
        TrainingOutcome outcome;
        try
        {
            outcome = await TrainingView.ShowAsync(console,
                progress => learn(options with { Progress = progress })).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (Run.Exists(folder))
        {
            console.Remark($"stopped before training; the data is prepared, continue with: {next}");
            throw;
        }
        job?.Dispose(); // only the first rank has more to do
        TrainingReport report = outcome.Report;
        if (job is { Rank: > 0 })
            return outcome.IsInterrupted ? Interruption.ExitCode : 0;
        if (outcome.IsInterrupted && profile is { Report: not null, Taken: not null })
        {
            console.Remark(string.Create(CultureInfo.InvariantCulture,
                $"stopped after step {report.Steps}; a checkpoint is saved, continue with: {next}"));
            console.Result(() => Json(outcome, profile));
            return 0;
        }
        if (outcome.IsInterrupted)
        {
            console.Remark(report.Steps == 0
                ? $"interrupted before the first step; continue with: {next}"
                : string.Create(CultureInfo.InvariantCulture,
                    $"interrupted after step {report.Steps}; a checkpoint is saved, continue with: {next}"));
            console.Result(() => Json(outcome, profile));
            return Interruption.ExitCode;
        }
        console.Remark(Ended(outcome));
        EvaluationReport? judged = await JudgeAsync(outcome, cancellation).ConfigureAwait(false);
        if (judged is not null)
            EvaluateCommand.Show(console, judged);
        foreach (string sample in judged?.Samples.Take(ShownSamples) ?? [])
            console.Say($"---\n{sample.TrimEnd()}");
        ShowFiles(shown, outcome);
        console.Result(() => Json(outcome, profile, judged));
        return 0;
    }

    // A run without held-out data is complete all the same.
    private async Task<EvaluationReport?> JudgeAsync(TrainingOutcome outcome, CancellationToken cancellation)
    {
        try
        {
            return await workshop.EvaluateAsync(outcome.Folder, progress: console, cancellation: cancellation)
                .ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            console.Remark(
                $"the model is finished but not evaluated; evaluate it with: atelier evaluate "
                    + $"{ShownPath.Of(outcome.Folder)}");
            throw;
        }
        catch (AtelierException e)
        {
            console.Remark($"not evaluated: {OptionNames.Write(e).ToLine()}");
            return null;
        }
    }

    /// <summary>Describes how the training ended, with the number of steps if it had any.</summary>
    private string Ended(TrainingOutcome outcome)
    {
        TrainingReport report = outcome.Report;
        string seconds = report.Seconds.ToString(report.Seconds < 10 ? "0.0" : "0", CultureInfo.InvariantCulture);
        bool takesSteps = workshop.Families.Any(family => family.Name == outcome.Family && family.TakesSteps);
        return !takesSteps && report.Steps <= 1
            ? $"trained in {seconds} seconds"
            : string.Create(CultureInfo.InvariantCulture,
                $"{Quantity.Of(report.Steps, takesSteps ? "step" : "iteration")} in {seconds} seconds, ended by "
                    + $"{report.StopReason}");
    }

    private static JsonObject Json(TrainingOutcome outcome, StepProfile? profile, EvaluationReport? judged = null)
    {
        var metrics = new JsonObject();
        foreach ((string name, double value) in outcome.Report.Metrics)
            metrics[name] =
                new JsonObject
                {
                    ["value"] = value, ["low"] = null, ["high"] = null,
                    ["unit"] = outcome.Report.Units.GetValueOrDefault(name) ?? Unit(name),
                };
        foreach ((string name, Metric metric) in judged?.Metrics ?? new Dictionary<string, Metric>())
            metrics[name] = EvaluateCommand.Json(metric);
        var json = new JsonObject
        {
            ["run"] = outcome.Folder,
            ["bundle"] = outcome.IsInterrupted ? null : outcome.BundleFolder,
            ["family"] = outcome.Family,
            ["steps"] = outcome.Report.Steps,
            ["seconds"] = outcome.Report.Seconds,
            ["metrics"] = metrics,
        };
        if (profile?.Report is { } report)
            json["profile"] = JsonNode.Parse(report.ToJson());
        return json;
    }

    private static string Unit(string name) => name switch
    {
        _ when name.EndsWith("PerSecond", StringComparison.Ordinal) => $"{name[..^"PerSecond".Length]}/s",
        _ when name.EndsWith("Accuracy", StringComparison.Ordinal) => "share",
        _ when name.EndsWith("ogLikelihood", StringComparison.Ordinal)
            || name.EndsWith("bic", StringComparison.OrdinalIgnoreCase) => "nats",
        _ => "count",
    };

    private void ShowFiles(string folder, TrainingOutcome outcome)
    {
        console.Say("---");
        string plots = Path.Combine(outcome.Folder, "plots");
        if (Directory.Exists(plots))
        {
            foreach (string plot in Directory.EnumerateFiles(plots, "*.png").Order(StringComparer.Ordinal))
                console.Say($"plot:   {ShownPath.Of(plot)}");
        }
        if (!console.Json)
        {
            IReadOnlyList<RequestOption> options = workshop.RequestOptions(outcome.Folder);
            string more = outcome.Family switch // codecs and vocoders generate nothing by themselves
            {
                "audio-codec" => $"atelier compress sound.wav --to codec --with {folder}",
                "vocoder" => $"atelier generate RUN --vocoder {folder} --out sounds.wav",
                _ => GenerateCommand.ExampleOf(folder, options),
            };
            console.Say($"run:    {folder}\nmore:   {more}");
        }
    }
}
