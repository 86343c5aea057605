using System.CommandLine;
using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Formats;
using Atelier.Runs;

namespace Atelier.Cli.Commands;

/// <summary>
/// Shows what a model has learned, answers queries about its variables, and explains what it does with a text.
/// </summary>
internal sealed class ExplainCommand : ToolCommand
{
    private readonly Workshop _workshop;
    private readonly Argument<string> _run = new("RUN") { Description = "The folder of a run or a bundle." };
    private readonly Option<string?> _out = new("--out") { HelpName = "FOLDER",
        Description = "The folder to write plots to. By default, the plots folder of the run." };

    private readonly TextExplanationArguments _text = new();
    private readonly HeadRankingArguments _heads = new();
    private readonly Option<string[]> _query = new("--query") { HelpName = "COLUMN",
        Description = "A variable to compute the probabilities of. Repeat it for a joint distribution.",
        DefaultValueFactory = _ => [] };
    private readonly Option<string[]> _evidence = new("--evidence") { HelpName = "COLUMN=VALUE",
        Description = "An observed value. Can be repeated.", DefaultValueFactory = _ => [] };
    private readonly Option<string[]> _do = new("--do") { HelpName = "COLUMN=VALUE",
        Description = "A value set by intervention. Can be repeated.",
        DefaultValueFactory = _ => [] };
    private readonly Option<double> _precision = new("--precision")
    {
        HelpName = "P",
        Description = "The half-width of the 95 % confidence interval at which sampling for an estimated answer stops.",
        DefaultValueFactory = _ => new Question().Precision,
    };
    private readonly Option<bool> _mostProbable =
        new("--most-probable") { Description = "Finds the most probable joint assignment of all variables." };

    public ExplainCommand(ToolConsole console, Workshop workshop)
        : base(console, "explain",
        "Shows what a model has learned in tables and plots, answers queries about its variables, and explains what it "
            + "does with a text.",
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
        _text.AddTo(this);
        _heads.AddTo(this);
    }

    protected override Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation)
    {
        string run = parse.GetRequiredValue(_run);
        if (_heads.IsGiven(parse))
        {
            if (Ask(parse) is not null)
                throw new AtelierException("queries do not go with --heads", run, "leave one of them out");
            HeadRankingArguments.Rank(console, _workshop, parse, _text.TextAlone(parse, "--heads"), run,
                PictureFolder(run, parse.GetValue(_out)), cancellation);
            return Task.FromResult(0);
        }
        if (_text.Read(parse) is { } request)
        {
            _text.Explain(console, _workshop, parse, request, run, PictureFolder(run, parse.GetValue(_out)),
                cancellation);
            return Task.FromResult(0);
        }
        using ITrainedModel model = _workshop.Open(run, cancellation: cancellation);
        Explanation explanation = Ask(parse) is { } question
            ? model.As<IProbabilisticQuery>() is { } queried
                ? queried.Answer(question, cancellation)
                : throw new AtelierException("this kind of model does not answer queries", run,
                    "use a Bayesian network")
            : model.As<IExplainable>()?.Explain(cancellation)
                ?? throw new AtelierException("this kind of model cannot be explained", run,
                    model.As<ITextExplainable>() is null ? "use a hidden Markov model or a Bayesian network"
                        : "give a text to explain with --text");
        console.Say(explanation.Summary);
        foreach (ExplanationTable table in explanation.Tables.Where(t => !t.ForPrograms))
        {
            console.Say($"\n{table.Name}");
            console.Table([.. table.Columns],
                table.Rows.Select(row => (string[])[.. row.Select(cell => cell.ToString())]));
        }
        cancellation.ThrowIfCancellationRequested();
        string[] pictures = WritePictures(console, PictureFolder(run, parse.GetValue(_out)), explanation.Pictures);
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

    /// <summary>Returns the query of the options, or null.</summary>
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

    private static string? PictureFolder(string run, string? folder) =>
        folder ?? (Run.Exists(run) ? Path.Combine(run, "plots") : null);

    /// <summary>Writes pictures, and returns their paths.</summary>
    /// <param name="console">The console that the paths are shown on.</param>
    /// <param name="folder">The folder; null writes none.</param>
    /// <param name="pictures">The pictures.</param>
    internal static string[] WritePictures(ToolConsole console, string? folder, IEnumerable<ExplanationImage> pictures)
    {
        var paths = new List<string>();
        foreach (ExplanationImage picture in folder is null ? [] : pictures)
        {
            string path = Path.Combine(folder!, picture.FileName);
            AtomicFile.Write(path, stream => stream.Write(picture.Content));
            console.Say($"plot: {path}");
            paths.Add(path);
        }
        return [.. paths];
    }
}
