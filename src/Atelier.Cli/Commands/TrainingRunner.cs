using System.Globalization;
using System.Text.Json.Nodes;
using Atelier.Evaluation;
using Atelier.Models;
using Atelier.Runs;
using Atelier.Tensors.Profiling;
using Atelier.Training;

namespace Atelier.Cli.Commands;

/// <summary>What the training commands share: showing the training and its result.</summary>
internal static class TrainingRunner
{
    private const int ShownSamples = 3;

    /// <summary>Trains, and shows the result.</summary>
    /// <param name="console">Where to.</param>
    /// <param name="folder">The run's folder, as the user would write it.</param>
    /// <param name="learn">Trains.</param>
    /// <param name="profile">The profile to take during training, or null.</param>
    /// <param name="cancellation">Cancels the evaluation.</param>
    public static async Task<int> RunAsync(ToolConsole console, string folder,
        Func<IProgress<TrainingProgress>, Task<TrainingOutcome>> learn, StepProfile? profile,
            CancellationToken cancellation)
    {
        string shown = ShownPath.Of(folder), next = $"atelier train --resume --out {shown}";
        TrainingOutcome outcome;
        try
        {
            outcome = await TrainingView.ShowAsync(console, learn).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (Run.Exists(folder))
        {
            console.Remark($"nothing was learned yet; the data is prepared, begin with: {next}");
            throw;
        }
        TrainingReport report = outcome.Report;
        if (outcome.IsInterrupted && profile is { Report: not null, Taken: not null })
        {
            console.Remark(string.Create(CultureInfo.InvariantCulture,
                $"ended after step {report.Steps}; a checkpoint is saved, go on with: {next}"));
            console.Result(() => Json(outcome, profile));
            return 0;
        }
        if (outcome.IsInterrupted)
        {
            console.Remark(report.Steps == 0
                ? $"interrupted before the first step; begin with: {next}"
                : string.Create(CultureInfo.InvariantCulture,
                    $"interrupted after step {report.Steps}; a checkpoint is saved, go on with: {next}"));
            console.Result(() => Json(outcome, profile));
            return Interruption.ExitCode;
        }
        console.Remark(Ended(outcome));
        EvaluationReport? judged = await JudgeAsync(console, outcome, cancellation).ConfigureAwait(false);
        if (judged is not null)
            EvaluateCommand.Show(console, judged);
        foreach (string sample in judged?.Samples.Take(ShownSamples) ?? [])
            console.Say($"---\n{sample.TrimEnd()}");
        TellFiles(console, shown, outcome);
        console.Result(() => Json(outcome, profile, judged));
        return 0;
    }

    // A run whose recipe holds nothing out is a good run all the same.
    private static async Task<EvaluationReport?> JudgeAsync(ToolConsole console, TrainingOutcome outcome,
        CancellationToken cancellation)
    {
        try
        {
            return await Workshop.EvaluateAsync(outcome.Folder, progress: console, cancellation: cancellation)
                .ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            console.Remark(
                $"the model is finished but not judged; judge it with: atelier evaluate "
                    + $"{ShownPath.Of(outcome.Folder)}");
            throw;
        }
        catch (AtelierException e)
        {
            console.Remark($"not judged: {e.ToLine()}");
            return null;
        }
    }

    /// <summary>How learning ended; what takes no steps is not said to have taken one.</summary>
    private static string Ended(TrainingOutcome outcome)
    {
        TrainingReport report = outcome.Report;
        string seconds = report.Seconds.ToString(report.Seconds < 10 ? "0.0" : "0", CultureInfo.InvariantCulture);
        bool takesSteps = ModelFamilies.All.Any(family => family.Name == outcome.Family && family.TakesSteps);
        return !takesSteps && report.Steps <= 1
            ? $"learned in {seconds} seconds"
            : string.Create(CultureInfo.InvariantCulture,
                $"{Quantity.Of(report.Steps, takesSteps ? "step" : "iteration")} in {seconds} seconds, ended by "
                    + $"{report.StopReason}");
    }

    private static JsonObject Json(TrainingOutcome outcome, StepProfile? profile, EvaluationReport? judged = null)
    {
        var metrics = new JsonObject();
        foreach ((string name, double value) in outcome.Report.Metrics)
            metrics[name] =
                new JsonObject { ["value"] = value, ["low"] = null, ["high"] = null, ["unit"] = Unit(name) };
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
        _ when name.EndsWith("Loss", StringComparison.Ordinal) => "nats/token",
        _ when name.EndsWith("ogLikelihood", StringComparison.Ordinal)
            || name.EndsWith("bic", StringComparison.OrdinalIgnoreCase) => "nats",
        _ => "count",
    };

    private static void TellFiles(ToolConsole console, string folder, TrainingOutcome outcome)
    {
        console.Say("---");
        string plots = Path.Combine(outcome.Folder, "plots");
        if (Directory.Exists(plots))
        {
            foreach (string plot in Directory.EnumerateFiles(plots, "*.png").Order(StringComparer.Ordinal))
                console.Say($"plot:   {ShownPath.Of(plot)}");
        }
        console.Say($"run:    {folder}\nmore:   atelier generate {folder} "
            + $"{Workshop.TaskOf(outcome.Folder).GenerateExample}");
    }
}
