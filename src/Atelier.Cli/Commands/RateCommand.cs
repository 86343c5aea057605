using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Atelier.Evaluation.Ratings;
using Atelier.Formats;

namespace Atelier.Cli.Commands;

/// <summary>People judge outputs: creates a study, invites raters, reports and exports.</summary>
internal sealed class RateCommand : Command
{
    public RateCommand(ToolConsole console, Workshop workshop)
        : base("rate", "Lets people judge the outputs of models, without seeing which is whose.")
    {
        Add(new CreateCommand(console, workshop));
        Add(new InviteCommand(console));
        Add(new ReportCommand(console));
        Add(new ExportCommand(console));
    }

    private static Argument<string> StoreArgument() =>
        new("STUDY") { Description = "The folder of a study, or its file study.db." };

    private static RatingStore Open(string study) =>
        RatingStore.Open(Directory.Exists(study) ? Path.Combine(study, "study.db") : study);

    private sealed class CreateCommand : ToolCommand
    {
        private readonly Workshop _workshop;
        private readonly Argument<string[]> _runs = new("RUN")
        {
            Description = "The models to compare: folders of runs or bundles, or GGUF files, each optionally as "
                + "NAME=PATH.",
            Arity = ArgumentArity.OneOrMore,
        };

        private readonly Option<string> _out = new("--out") { HelpName = "FOLDER",
            Description = "The folder of the study, which must be new.", DefaultValueFactory = _ => "study" };
        private readonly Option<string?> _prompts = new("--prompts") { HelpName = "F",
            Description = "A file of prompts, one a line; for models of images and sounds, names of classes. By "
                + "default, samples without a prompt." };
        private readonly Option<int> _count = new("--count") { HelpName = "N",
            Description = "The number of outputs of each model for each prompt.", DefaultValueFactory = _ => 1 };
        private readonly Option<string?> _title = new("--title") { HelpName = "T",
            Description = "The title that raters see. By default, a question." };
        private readonly Option<string[]> _scale = new("--scale") { HelpName = "NAME=DESCRIPTION",
            Description = "Asks for a value from 1 to 5 on a scale, instead of comparing pairs. Can be repeated.",
            DefaultValueFactory = _ => [] };
        private readonly Option<int> _checks = new("--checks") { HelpName = "N",
            Description = "The number of attention checks, each an output next to the same output spoilt.",
            DefaultValueFactory = _ => 6 };

        public CreateCommand(ToolConsole console, Workshop workshop)
            : base(console, "create", "Generates outputs of models for people to judge.",
                "atelier rate create runs/mine runs/names --prompts prompts.txt --out study")
        {
            _workshop = workshop;
            Add(_runs);
            foreach (Option option in (Option[])[_out, _prompts, _count, _title, _scale, _checks])
                Add(option);
        }

        protected override async Task<int> RunAsync(ToolConsole console, ParseResult parse,
            CancellationToken cancellation)
        {
            string folder = parse.GetRequiredValue(_out);
            Rubric[] rubrics = [.. NamedValues.Read(parse, _scale).Select(pair =>
                new Rubric { Name = pair.Key, Description = pair.Value })];
            string usual = rubrics.Length > 0 ? "How good is this?" : "Which of the two is better?";
            var request = new StudyRequest
            {
                Id = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))),
                Title = parse.GetValue(_title) ?? usual,
                Models = NamedModels.Read(parse.GetValue(_runs) ?? [], _workshop.History),
                Prompts = parse.GetValue(_prompts) is { } file ? Lines(file) : [],
                Count = parse.GetValue(_count),
                Kind = rubrics.Length > 0 ? StudyKind.Scale : StudyKind.Pairwise,
                Rubrics = rubrics,
                Checks = parse.GetValue(_checks),
                Seed = parse.GetValue<long?>(Tool.Seed) ?? 1,
            };
            string store = await _workshop.CreateStudyAsync(folder, request, console, cancellation)
                .ConfigureAwait(false);
            console.Say($"{store}: {Quantity.Of(Open(store).Study.Items.Count, "output")}");
            console.Say($"more: atelier rate invite {folder} NAME");
            console.Result(() => new JsonObject { ["study"] = Path.GetFullPath(store) });
            return 0;
        }

        private static string[] Lines(string file)
        {
            string[] lines = [.. InputFile.ReadAllText(file).ReplaceLineEndings("\n").Split('\n')
                .Where(line => !string.IsNullOrWhiteSpace(line))];
            return lines.Length > 0 ? lines : throw new AtelierException("has no prompts", file, "write one a line");
        }
    }

    private sealed class InviteCommand : ToolCommand
    {
        private readonly Argument<string> _study = StoreArgument();
        private readonly Argument<string[]> _names =
            new("NAME") { Description = "The names of the raters.", Arity = ArgumentArity.OneOrMore };
        private readonly Option<string> _address = new("--address") { HelpName = "URL",
            Description = "The address of the server, as raters reach it.",
            DefaultValueFactory = _ => "http://127.0.0.1:5080" };

        public InviteCommand(ToolConsole console)
            : base(console, "invite", "Adds raters, and shows the link of each once.",
                "atelier rate invite study alice bob")
        {
            Add(_study);
            Add(_names);
            Add(_address);
        }

        protected override Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation)
        {
            using RatingStore store = Open(parse.GetRequiredValue(_study));
            string address = parse.GetRequiredValue(_address).TrimEnd('/');
            (string Name, string Link)[] links = [.. (parse.GetValue(_names) ?? []).Select(name =>
                (name, $"{address}/#/rate/{store.AddRater(name).Token}"))];
            foreach ((string name, string link) in links)
                console.Say($"{name}: {link}");
            console.Say($"more: atelier serve --study {parse.GetRequiredValue(_study)}");
            console.Result(() => new JsonObject
            {
                ["raters"] = new JsonArray([.. links.Select(one =>
                    (JsonNode)new JsonObject { ["name"] = one.Name, ["link"] = one.Link })]),
            });
            return Task.FromResult(0);
        }
    }

    private sealed class ReportCommand : ToolCommand
    {
        private readonly Argument<string> _study = StoreArgument();
        private readonly Option<bool> _leaveOut = new("--leave-out-suspicious") {
            Description = "Leaves out the answers of raters who seem to answer at random." };
        private readonly Option<double> _difference = new("--difference") { HelpName = "D",
            Description = "The difference of win rates to tell models apart by, for the answers that are needed.",
            DefaultValueFactory = _ => 0.1 };

        public ReportCommand(ToolConsole console)
            : base(console, "report", "Shows scores with intervals, agreement, and raters who answer at random.",
                "atelier rate report study")
        {
            Add(_study);
            Add(_leaveOut);
            Add(_difference);
        }

        protected override Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation)
        {
            double difference = parse.GetValue(_difference);
            if (difference is not (> 0 and < 1))
                throw new AtelierException(FormattableString.Invariant($"the difference is {difference}"),
                    "--difference", "allowed: more than 0, less than 1");
            using RatingStore store = Open(parse.GetRequiredValue(_study));
            RatingReport report = RatingReport.Create(store, new RatingReportOptions
            {
                Difference = difference, LeaveOutSuspicious = parse.GetValue(_leaveOut),
                Seed = parse.GetValue<long?>(Tool.Seed) ?? 0,
            });
            console.Say($"{report.Title}: {Quantity.Of(report.Answers, "answer")} of "
                + Quantity.Of(report.Raters, "rater"));
            Show(console, report);
            console.Result(() => JsonNode.Parse(report.ToJson())!.AsObject());
            return Task.FromResult(0);
        }

        private static void Show(ToolConsole console, RatingReport report)
        {
            if (report.Scores.Count > 0)
                console.Table(["model", "points", "score", "answers"], report.Scores.Select(score => new[]
                {
                    score.Model, Interval(score.Points, "0"), Interval(score.Score, "0.00"), Number(score.Answers, "0"),
                }));
            if (report.Scales.Count > 0)
                console.Table(["scale", "model", "mean", "answers"], report.Scales.Select(scale => new[]
                {
                    scale.Rubric, scale.Model, Interval(scale.Value, "0.00"), Number(scale.Answers, "0"),
                }));
            console.Table(["agreement on", "alpha", "Fleiss' kappa", "Cohen's kappa"], report.Agreement.Select(one =>
                new[] { one.Question, Number(one.Alpha), Number(one.FleissKappa), Number(one.CohenKappa) }));
            if (report.Judgements.Count > 0)
                console.Table(["rater", "answers", "checks failed", "p-value", "verdict"],
                    report.Judgements.Select(one => new[]
                    {
                        one.Name, Number(one.Answers, "0"), $"{one.FailedChecks} of {one.Checks}",
                        Number(one.PValue, "0.000"), one.Verdict.ToString().ToLowerInvariant(),
                    }));
            if (report.Needed.Count > 0)
                console.Table(["models", "answers", "win rate", "more answers needed"], report.Needed.Select(one =>
                    new[] { $"{one.Model}, {one.Other}", Number(one.Answers, "0"), Number(one.WinRate),
                        Number(one.More, "0") }));
            foreach (string note in report.Notes)
                console.Remark(note);
        }

        private static string Interval(Evaluation.Metric metric, string form) =>
            $"{Number(metric.Value, form)} [{Number(metric.Low, form)}, {Number(metric.High, form)}]";

        private static string Number(double? value, string form = "0.00") =>
            value?.ToString(form, CultureInfo.InvariantCulture) ?? "";
    }

    private sealed class ExportCommand : ToolCommand
    {
        private readonly Argument<string> _study = StoreArgument();
        private readonly Option<string> _out = new("--out") { HelpName = "F", Required = true,
            Description = "The file: F.csv for all answers, or F.jsonl for preferences (prompt, chosen, rejected)." };

        public ExportCommand(ToolConsole console)
            : base(console, "export", "Writes answers as CSV, or preferences as trainers read them.",
                "atelier rate export study --out preferences.jsonl")
        {
            Add(_study);
            Add(_out);
        }

        protected override Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation)
        {
            using RatingStore store = Open(parse.GetRequiredValue(_study));
            string path = parse.GetRequiredValue(_out);
            using var text = new StringWriter(CultureInfo.InvariantCulture);
            switch (Path.GetExtension(path).ToLowerInvariant())
            {
                case ".csv":
                    RatingExport.WriteAnswers(store, text);
                    break;
                case ".jsonl":
                    RatingExport.WritePreferences(store, text);
                    break;
                default:
                    throw new AtelierException("the name ends neither in .csv nor in .jsonl", path,
                        "write F.csv for answers, or F.jsonl for preferences");
            }
            AtomicFile.WriteText(path, text.ToString());
            console.Say(path);
            console.Result(() => new JsonObject { ["file"] = Path.GetFullPath(path) });
            return Task.FromResult(0);
        }
    }
}
