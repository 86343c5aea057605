using System.CommandLine;
using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Formats;
using Atelier.Runs;

namespace Atelier.Cli.Commands;

/// <summary>Tells what a model has learned, and answers questions about its variables.</summary>
internal sealed class ExplainCommand : ToolCommand
{
    private readonly Workshop _workshop;
    private readonly Argument<string> _run = new("RUN") { Description = "A run's folder or a bundle's." };
    private readonly Option<string?> _out = new("--out") { HelpName = "FOLDER",
        Description = "Where pictures go; a run's own plots where it is left out." };

    private readonly Option<string[]> _query = new("--query") { HelpName = "COLUMN",
        Description = "A variable whose probabilities are asked for; several ask for them together.",
        DefaultValueFactory = _ => [] };
    private readonly Option<string[]> _evidence = new("--evidence") { HelpName = "COLUMN=VALUE",
        Description = "What is known; may stand several times.", DefaultValueFactory = _ => [] };
    private readonly Option<string[]> _do = new("--do") { HelpName = "COLUMN=VALUE",
        Description = "What is set from outside, an intervention; may stand several times.",
        DefaultValueFactory = _ => [] };
    private readonly Option<double> _precision = new("--precision")
    {
        HelpName = "P",
        Description = "How far off an estimated answer may be, at 95 % confidence; drawing goes on until it is met.",
        DefaultValueFactory = _ => new Question().Precision,
    };
    private readonly Option<bool> _mostProbable =
        new("--most-probable") { Description = "The most probable values of all variables together." };

    public ExplainCommand(ToolConsole console, Workshop workshop)
        : base(console, "explain",
        "Tells what a model has learned, in tables and pictures, and answers questions about its variables.",
        "atelier explain runs/asia-structure --query L --evidence X=yes --do S=no")
    {
        _workshop = workshop;
        Add(_run);
        Add(_out);
        Add(_query);
        Add(_evidence);
        Add(_do);
        Add(_precision);
        Add(_mostProbable);
    }

    protected override Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation)
    {
        string run = parse.GetRequiredValue(_run);
        using ITrainedModel model = _workshop.Open(run, cancellation: cancellation);
        Explanation explanation = Ask(parse) is { } question
            ? model.As<IProbabilisticQuery>() is { } queried
                ? queried.Answer(question, cancellation)
                : throw new AtelierException("this kind of model answers no questions", run, "ask a Bayesian network")
            : model.As<IExplainable>()?.Explain(cancellation)
                ?? throw new AtelierException("this kind of model has nothing to explain", run,
                    "models of states and of networks have");
        console.Say(explanation.Summary);
        foreach (ExplanationTable table in explanation.Tables.Where(t => !t.ForPrograms))
        {
            console.Say($"\n{table.Name}");
            console.Table([.. table.Columns],
                table.Rows.Select(row => (string[])[.. row.Select(cell => cell.ToString())]));
        }
        cancellation.ThrowIfCancellationRequested();
        string[] pictures = [.. Pictures(run, parse.GetValue(_out), explanation)];
        foreach (string picture in pictures)
            console.Say($"picture: {picture}");
        console.Result(() => new JsonObject(Method(explanation.Method))
        {
            ["run"] = Path.GetFullPath(run),
            ["summary"] = explanation.Summary,
            ["tables"] = new JsonObject(explanation.Tables.Select(table =>
                KeyValuePair.Create<string, JsonNode?>(table.Name,
                new JsonArray([.. table.Rows.Select(row => (JsonNode)CellValue.Row(table.Columns, row))])))),
            ["pictures"] = new JsonArray([.. pictures.Select(picture => (JsonNode)Path.GetFullPath(picture))]),
        });
        return Task.FromResult(0);
    }

    /// <summary>The question that the options ask; null where they ask none.</summary>
    private Question? Ask(ParseResult parse)
    {
        var question = new Question
        {
            Targets = parse.GetRequiredValue(_query),
            Evidence = NamedValues.Read(parse, _evidence),
            Interventions = NamedValues.Read(parse, _do),
            Precision = parse.GetValue(_precision),
            MostProbable = parse.GetValue(_mostProbable),
            Seed = parse.GetValue<long?>(Tool.Seed) ?? 1,
        };
        return question is { Targets.Count: 0, Evidence.Count: 0, Interventions.Count: 0, MostProbable: false } ? null
            : question;
    }

    private static IEnumerable<KeyValuePair<string, JsonNode?>> Method(AnswerMethod? method)
    {
        if (method is null)
            yield break;
        yield return new("exact", method.IsExact);
        if (method.IsExact)
            yield break;
        yield return new("rows", method.Rows);
        yield return new("effectiveRows", method.EffectiveRows);
        yield return new("precision", method.Precision);
    }

    private static IEnumerable<string> Pictures(string run, string? folder, Explanation explanation)
    {
        string? place = folder ?? (Run.Exists(run) ? Path.Combine(run, "plots") : null);
        if (place is null)
            yield break;
        foreach (ExplanationImage picture in explanation.Pictures)
        {
            string path = Path.Combine(place, picture.FileName);
            AtomicFile.Write(path, stream => stream.Write(picture.Content));
            yield return path;
        }
    }
}
