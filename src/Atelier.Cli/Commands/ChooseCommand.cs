using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Atelier.Choose;
using Atelier.Evaluation;
using Atelier.Runs;
using Atelier.Tasks;

namespace Atelier.Cli.Commands;

/// <summary>Finds the model to train for a user's data.</summary>
internal sealed class ChooseCommand : ToolCommand
{
    private const int ShownCandidates = 12;

    private readonly Workshop _workshop;
    private readonly Argument<string> _data = new("DATA")
    {
        Description = "A file, a folder, the name of a data set of the catalogue, or a world.",
    };

    private readonly Option<string?> _kind;
    private readonly Option<string?> _purpose = new("--purpose")
    {
        HelpName = "NAME",
        Description = "What the model is for: generate (the default), or of text also fill-in or fill-spans, of sounds "
            + "compress or vocode.",
    };

    private readonly Option<string?> _families = new("--families")
    {
        HelpName = "NAME,…", Description = "The families to compare; by default all that can learn the data.",
    };

    private readonly Option<double?> _minutes = new("--minutes")
    {
        HelpName = "N",
        Description = "The time for all trials. By default, a tenth of the time that training all candidates in full "
            + "would take.",
    };

    private readonly Option<string[]> _set = TrainCommand.SetOption();
    private readonly Option<bool> _explainOnly =
        new("--explain-only") { Description = "Gives advice by rules, without any training." };
    private readonly Option<bool> _verify = new("--verify")
    {
        Description = "Trains every candidate in full afterwards, and shows how good the choice was. This takes about "
            + "ten times as long as the choice.",
    };

    private readonly Option<string?> _out = new("--out")
    {
        HelpName = "FOLDER", Description = "The folder for the trials and the recipe. By default, runs/choose-NAME.",
    };

    private readonly Option<bool> _resume =
        new("--resume") { Description = "Continues the choice in --out: finished trials are kept." };

    public ChooseCommand(ToolConsole console, Workshop workshop)
        : base(console, "choose",
            "Finds the model to train for your data by short trials, and says what to expect of it.",
            "atelier choose world:stories-en --explain-only")
    {
        _workshop = workshop;
        _kind = new("--kind")
        {
            HelpName = "NAME",
            Description = $"What the data are: {string.Join(", ", workshop.Tasks.Select(task => task.Name))}. By "
                + "default, the kind of most of the files.",
        };
        Add(_data);
        Add(_kind);
        Add(_purpose);
        Add(_families);
        Add(_minutes);
        Add(_set);
        Add(_explainOnly);
        Add(_verify);
        Add(_out);
        Add(_resume);
    }

    protected override async Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation)
    {
        string source = parse.GetRequiredValue(_data);
        bool explainOnly = parse.GetValue(_explainOnly), resume = parse.GetValue(_resume);
        foreach (Option option in (Option[])[_verify, _out, _resume, _minutes])
        {
            if (explainOnly && parse.GetResult(option) is { Implicit: false })
                throw new AtelierException($"{option.Name} is for trials, and {_explainOnly.Name} makes none",
                    option.Name, "leave one of them out");
        }
        ITask? task = AskKind(console, source, parse.GetValue(_kind));
        var options = new ChoiceOptions(source)
        {
            Kind = task?.Name ?? parse.GetValue(_kind),
            Purpose = parse.GetValue(_purpose) ?? AskPurpose(console, task),
            Families = parse.GetValue(_families)?.Split(',', StringSplitOptions.TrimEntries
                | StringSplitOptions.RemoveEmptyEntries) ?? [],
            Minutes = parse.GetValue(_minutes), Overrides = parse.GetRequiredValue(_set),
            Seed = parse.GetValue<long?>(Tool.Seed) ?? 1, ExplainOnly = explainOnly, Resume = resume,
            Verify = parse.GetValue(_verify),
        };
        string name = "choose-" + Path.GetFileNameWithoutExtension(Path.TrimEndingDirectorySeparator(source))
            .Split(':')[^1];
        string folder = parse.GetValue(_out) ?? (resume ? Path.Combine("runs", name) : Run.NewFolder("runs", name));
        if (!explainOnly)
            console.Remark($"trials: {ShownPath.Of(folder)}");
        string again = $"to continue, repeat the command with --resume --out {ShownPath.Of(folder)}";
        ChoiceReport report;
        try
        {
            report = await TrainingView.ShowAsync(console, progress =>
                _workshop.ChooseAsync(options, folder, progress, cancellation)).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (Directory.Exists(folder))
        {
            console.Remark(again);
            throw;
        }
        Show(console, report);
        console.Result(() => JsonNode.Parse(report.ToJson())!.AsObject());
        if (report.IsInterrupted)
            console.Remark($"interrupted; {again}");
        return report.IsInterrupted ? Interruption.ExitCode : 0;
    }

    /// <summary>Returns the task of the data; null where they allow several and nobody can say which.</summary>
    private ITask? AskKind(ToolConsole console, string source, string? given)
    {
        if (given is not null)
            return _workshop.Tasks.FirstOrDefault(task => task.Name == given);
        IReadOnlyList<ITask> tasks = _workshop.TasksFor(source);
        if (tasks is [var only])
            return only;
        if (!console.CanAsk)
            return null; // the library names the flag
        string answer = console.Ask("What are the data", [.. tasks.Select(task => task.Name)]);
        return tasks.First(task => task.Name == answer);
    }

    private string? AskPurpose(ToolConsole console, ITask? task)
    {
        IReadOnlyList<string> purposes = task is null ? [] : _workshop.PurposesFor(task);
        if (purposes.Count < 2)
            return null;
        if (console.CanAsk)
            return console.Ask("What is the model to do", purposes);
        console.Remark($"models to {purposes[0]} are compared; for others: --purpose "
            + string.Join(" or ", purposes.Skip(1)));
        return purposes[0];
    }

    private static void Show(ToolConsole console, ChoiceReport report)
    {
        console.Say($"{report.Source}: {report.Amount}");
        foreach (DataFact fact in report.Data.Facts)
            console.Say($"  {fact.Name}: {fact.Value}");
        if (report.IsAdviceOnly)
            ShowAdvice(console, report);
        else
            ShowTrials(console, report);
        foreach (ChoiceCandidate failed in report.Candidates.Where(one => one.Failure is not null))
            console.Say($"left out: {failed.Name}: {failed.Failure}");
        console.Say($"\nrecommended: {report.Recommended.Name} ({report.Recommended.Summary})");
        foreach (string reason in report.Reasons)
            console.Say($"- {reason}");
        if (report.Improvements.Count > 0)
            console.Say("what would help:");
        foreach (string improvement in report.Improvements)
            console.Say($"- {improvement}");
        if (report.Verification is { } verified)
            ShowVerification(console, verified);
        if (report.RecipePath is { } recipe)
            console.Say($"plot:   {ShownPath.Of(report.PlotPath!)}\nrecipe: {ShownPath.Of(recipe)}\n"
                + $"more:   atelier train {ShownPath.Of(recipe)}");
    }

    private static void ShowAdvice(ToolConsole console, ChoiceReport report)
    {
        console.Say();
        console.Table(["candidate", "full training"], report.Candidates.Select(one => new[] { one.Name, one.Summary }));
    }

    private static void ShowTrials(ToolConsole console, ChoiceReport report)
    {
        ChoiceCandidate[] tried = [.. report.Candidates.Where(one => one.Expected is not null)];
        console.Table(
            ["candidate", $"expected {report.Headline!.Metric}", "training", "size", "speed", "memory", "cannot"],
            tried.Take(ShownCandidates).Select(one => new[]
            {
                one.Name, (one.IsMeasured ? "" : "~ ") + one.Expected!.ToText(), Quantity.Duration(one.Seconds ?? 0),
                Megabytes(one.Footprint?.Bytes), Speed(one.Footprint), Megabytes(one.Footprint?.MemoryBytes),
                string.Join("; ", one.CannotDo),
            }));
        if (tried.Length > ShownCandidates)
            console.Say($"and {Quantity.Of(tried.Length - ShownCandidates, "candidate")} more, in choice.json");
        console.Say($"~ is a forecast with its 90 % interval ({(report.Headline.MoreIsBetter ? "more" : "less")} is "
            + $"better); {Quantity.Duration(report.Seconds)} of trials");
    }

    private static void ShowVerification(ToolConsole console, ChoiceVerification verified) => console.Say(
        string.Create(CultureInfo.InvariantCulture,
            $"verified: best is {verified.Best} with {verified.BestValue:0.####}, the recommended one has "
            + $"{verified.ChosenValue:0.####} ({verified.Behind:0.0%} behind); {verified.Within} of "
            + $"{verified.Forecasts} forecasts held; the choice took {verified.TimeShare:0.0%} of the "
            + $"{Quantity.Duration(verified.FullSeconds)} of all full trainings"));

    private static string Megabytes(long? bytes) =>
        bytes is { } some ? (some / 1e6).ToString("0.0", CultureInfo.InvariantCulture) + " MB" : "";

    private static string Speed(ModelFootprint? footprint) => footprint?.Speed is { } speed
        ? speed.ToString(speed < 10 ? "0.0" : "0", CultureInfo.InvariantCulture) + " " + footprint.SpeedUnit : "";
}
