using System.CommandLine;
using System.Text.Json.Nodes;
using Atelier.Evaluation;
using Atelier.Recipes;
using Atelier.Runs;

namespace Atelier.Cli.Commands;

/// <summary>Compares runs by held-out metrics, training metrics and recipes.</summary>
internal sealed class RunsCompareCommand : ToolCommand
{
    private readonly Workshop _workshop;
    private readonly Argument<string[]> _runs =
        new("RUN") { Arity = new ArgumentArity(2, 20), Description = "The ids or folders of two or more runs." };

    public RunsCompareCommand(ToolConsole console, Workshop workshop)
        : base(console, "compare",
            "Compares runs: their metrics on held-out data, the difference from the first run, and the settings in "
                + "which their recipes differ.",
            "atelier runs compare runs/quickstart runs/quickstart-2")
    {
        _workshop = workshop;
        Add(_runs);
    }

    protected override Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation)
    {
        RunRecord[] runs = [.. parse.GetRequiredValue(_runs).Select(run => RunsCommand.Find(_workshop.History, run))];
        IReadOnlyList<JudgedRun> judged = RunComparison.Of([.. runs.Select(r => r.Folder)]);
        IEnumerable<string[]> figures = runs.SelectMany(r => r.Metrics.Keys).Distinct().Select(name =>
            (string[])[$"training: {name}",
                .. runs.Select(r => r.Metrics.TryGetValue(name, out double value) ? RunsCommand.Number(value) : "")]);
        Dictionary<string, string>[] recipes =
            [.. runs.Select(r => Run.Exists(r.Folder)
                ? RecipeEntry.Of(Run.ReadRecipe(r.Folder, _workshop.Families)).ToDictionary(e => e.Key, e => e.Value)
                : [])];
        string[][] differences =
        [
            .. recipes.SelectMany(r => r.Keys).Distinct().Where(key =>
                recipes.Select(r => r.GetValueOrDefault(key)).Distinct().Count() > 1)
                .Select(key => (string[])[key, .. recipes.Select(r => r.GetValueOrDefault(key) ?? "")]),
        ];
        console.Table(["", .. runs.Select(r => r.Id)], [.. HeldOut(judged), .. figures, .. differences]);
        foreach ((RunRecord run, JudgedRun one) in runs.Zip(judged).Skip(1))
            console.Say($"{run.Id} and {runs[0].Id}: {one.Sentence}");
        console.Result(() => new JsonObject
        {
            ["heldOut"] = new JsonArray([.. judged.Select(Json)]),
            ["runs"] = new JsonArray([.. runs.Select(RunsCommand.Json)]),
            ["differences"] = new JsonObject(differences.Select(d =>
                KeyValuePair.Create<string, JsonNode?>(d[0], new JsonArray([.. d[1..].Select(v => (JsonNode)v)])))),
        });
        return Task.FromResult(0);
    }

    /// <summary>
    /// The first rows of the table: the evaluation metrics, with the headline and its difference at the top.
    /// </summary>
    private static IEnumerable<string[]> HeldOut(IReadOnlyList<JudgedRun> judged)
    {
        string[] headlines = [.. judged.Select(j => j.Report?.Headline.Metric).OfType<string>().Distinct()];
        IEnumerable<string> names = headlines.Concat(judged.SelectMany(j => j.Report?.Metrics.Keys ?? [])).Distinct();
        foreach (string name in names)
        {
            EvaluationReport first = judged.First(j => j.Report?.Metrics.ContainsKey(name) == true).Report!;
            yield return [$"{first.Headline.Part} {name} ({first.Metrics[name].Unit})",
                .. judged.Select(j => j.Report?.Metrics.TryGetValue(name, out Metric? metric) == true ? metric.ToText()
                    : "")];
            if (headlines.Contains(name)
                && judged.Any(j => j.FromFirst is not null && j.Report!.Headline.Metric == name))
                yield return ["difference from the first run",
                    .. judged.Select(j => j.FromFirst is { } difference ? difference.Difference.ToText() : "")];
        }
    }

    private static JsonObject Json(JudgedRun judged) => new()
    {
        ["run"] = judged.Folder,
        ["data"] = judged.Report?.Data,
        ["metrics"] = judged.Report is { } report ? EvaluateCommand.Json(report.Metrics) : null,
        ["difference"] = judged.FromFirst is { } difference ? EvaluateCommand.Json(difference) : null,
        ["reason"] = judged.Reason,
    };
}
