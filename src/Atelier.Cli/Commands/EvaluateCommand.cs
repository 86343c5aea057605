using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Evaluation;

namespace Atelier.Cli.Commands;

/// <summary>Evaluates a finished model on held-out data, compared with baselines.</summary>
internal sealed class EvaluateCommand : ToolCommand
{
    private readonly Workshop _workshop;
    private readonly Argument<string> _run =
        new("RUN") { Description = "The folder of a run; with --against, also of a bundle." };
    private readonly Option<string?> _against =
        new("--against")
        {
            HelpName = "DATA",
                Description =
                    "Other data to evaluate on, all of it: a file, a folder, a data set of the catalogue, or a world.",
        };

    public EvaluateCommand(ToolConsole console, Workshop workshop)
        : base(console, "evaluate", "Evaluates a model on held-out data and compares it with baselines.",
        "atelier evaluate runs/quickstart")
    {
        _workshop = workshop;
        Add(_run);
        Add(_against);
    }

    /// <summary>Writes the metrics of a report and of its baselines as a table.</summary>
    public static void Show(ToolConsole console, EvaluationReport report)
    {
        console.Table(["", "model", .. report.Baselines.Keys], report.Metrics.Select(m =>
            (string[])[$"{m.Key} ({m.Value.Unit})", m.Value.ToText(),
                .. report.Baselines.Values.Select(b =>
                    b.TryGetValue(m.Key, out Metric? other) ? other.ToText() : "")]));
        foreach (string note in report.Notes.Concat(report.Differences))
            console.Say(note);
        console.Say(report.Verdict);
    }

    protected override async Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation)
    {
        EvaluationReport report = await _workshop.EvaluateAsync(
            parse.GetRequiredValue(_run), parse.GetValue(_against), parse.GetValue<long?>(Tool.Seed), console,
                cancellation).ConfigureAwait(false);
        Show(console, report);
        console.Result(() => new JsonObject
        {
            ["run"] = Path.GetFullPath(parse.GetRequiredValue(_run)),
            ["data"] = report.Data,
            ["metrics"] = Json(report.Metrics),
            ["baselines"] =
                new JsonObject(report.Baselines.Select(b =>
                KeyValuePair.Create<string, JsonNode?>(b.Key, Json(b.Value)))),
        });
        return 0;
    }

    /// <summary>Writes a metric as JSON.</summary>
    public static JsonObject Json(Metric metric) => new()
    {
        ["value"] = metric.Value, ["low"] = metric.Low, ["high"] = metric.High, ["unit"] = metric.Unit,
    };

    /// <summary>Writes a comparison as JSON: its value, its basis and the verdict.</summary>
    public static JsonObject Json(Comparison comparison)
    {
        JsonObject json = Json(comparison.Difference);
        json["basis"] = JsonNamingPolicy.CamelCase.ConvertName(comparison.Basis.ToString());
        json["outcome"] = JsonNamingPolicy.CamelCase.ConvertName(comparison.Outcome.ToString());
        if (comparison.PValue is { } p)
            json["pValue"] = p;
        return json;
    }

    /// <summary>Writes metrics by name as JSON.</summary>
    public static JsonObject Json(IReadOnlyDictionary<string, Metric> metrics) =>
        new(metrics.Select(m => KeyValuePair.Create<string, JsonNode?>(m.Key, Json(m.Value))));
}
