using System.Globalization;
using System.Text.Json.Nodes;
using Atelier.Decoding;
using Atelier.Training;

namespace Atelier.Cli.Commands;

/// <summary>What the commands that train share: the training shown, then its result told.</summary>
internal static class Training
{
    private const int Interrupted = 130;
    private const int ShownSamples = 3;

    /// <summary>Trains, and tells what came of it.</summary>
    /// <param name="console">Where to.</param>
    /// <param name="folder">The run's folder, as the user would write it.</param>
    /// <param name="learn">Trains.</param>
    /// <param name="cancellation">Stops samples and judging.</param>
    public static async Task<int> RunAsync(ToolConsole console, string folder,
        Func<IProgress<TrainingProgress>, Task<TrainingOutcome>> learn, CancellationToken cancellation)
    {
        TrainingOutcome outcome = await TrainingView.ShowAsync(console, learn).ConfigureAwait(false);
        TrainingReport report = outcome.Report;
        string next = $"atelier train --resume --out {folder}";
        if (outcome.IsInterrupted)
        {
            console.Remark(string.Create(CultureInfo.InvariantCulture, $"interrupted after step {report.Steps}; a checkpoint is saved, go on with: {next}"));
            console.Result(() => Json(outcome));
            return Interrupted;
        }
        console.Remark(string.Create(CultureInfo.InvariantCulture, $"{report.Steps} steps in {report.Seconds:0} seconds, ended by {report.StopReason}"));
        if (!console.Json)
            await TellAsync(console, folder, outcome, cancellation).ConfigureAwait(false);
        console.Result(() => Json(outcome));
        return 0;
    }

    private static JsonObject Json(TrainingOutcome outcome) => new()
    {
        ["run"] = outcome.Folder,
        ["bundle"] = outcome.IsInterrupted ? null : outcome.BundleFolder,
        ["family"] = outcome.Family,
        ["steps"] = outcome.Report.Steps,
        ["seconds"] = outcome.Report.Seconds,
        ["metrics"] = new JsonObject(outcome.Report.Metrics.Select(m => KeyValuePair.Create<string, JsonNode?>(m.Key, m.Value))),
    };

    private static async Task TellAsync(ToolConsole console, string folder, TrainingOutcome outcome, CancellationToken cancellation)
    {
        using IGenerator generator = Workshop.Open(outcome.Folder);
        var request = new GenerationRequest { Count = ShownSamples };
        console.Say("Samples:");
        await foreach (Sample sample in generator.GenerateAsync(request, cancellation).ConfigureAwait(false))
        {
            if (sample is TextSample text)
                console.Say($"  {text.Text.TrimEnd().ReplaceLineEndings("\n  ")}\n");
        }
        string plots = Path.Combine(outcome.Folder, "plots");
        if (Directory.Exists(plots))
        {
            foreach (string plot in Directory.EnumerateFiles(plots, "*.png").Order(StringComparer.Ordinal))
                console.Say($"plot:   {plot}");
        }
        console.Say($"run:    {folder}\nmore:   atelier generate {folder} --prompt \"...\"");
    }
}
