using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Atelier.Runs;

namespace Atelier.Cli.Commands;

/// <summary>Lists, shows, compares and deletes runs.</summary>
internal sealed class RunsCommand : Command
{
    public RunsCommand(ToolConsole console, Workshop workshop)
        : base("runs", "Lists, shows, compares and deletes runs.")
    {
        Add(new ListCommand(console, workshop.History));
        Add(new ShowCommand(console, workshop.History));
        Add(new RunsCompareCommand(console, workshop));
        Add(new DeleteCommand(console, workshop.History));
    }

    internal static RunRecord Find(RunHistory history, string idOrFolder) => history.Find(idOrFolder)
        ?? throw new AtelierException("the history has no such run", idOrFolder,
            "atelier runs list shows ids and folders");

    /// <summary>Formats a metric: counts without decimals, all others with four, as in reports.</summary>
    internal static string Number(double value) =>
        value.ToString(double.IsInteger(value) ? "0" : "0.0000", CultureInfo.InvariantCulture);

    internal static JsonObject Json(RunRecord run)
    {
        JsonObject json = run.ToJson();
        json.Insert(1, "run", run.Folder);
        return json;
    }

    private sealed class ListCommand(ToolConsole console, RunHistory history)
        : ToolCommand(console, "list", "Lists all runs, the latest first.", "atelier runs list")
    {
        protected override Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation)
        {
            IReadOnlyList<RunRecord> runs = history.List();
            if (runs.Count == 0)
                console.Say("no runs yet; start with: atelier quickstart");
            else
            {
                console.Table(["id", "recipe", "family", "status", "steps", "validation loss", "folder"],
                    runs.Select(r => new[]
                {
                    r.Id, r.Recipe, r.Family, r.CurrentStatus, r.Steps.ToString(CultureInfo.InvariantCulture),
                    r.Metrics.TryGetValue("validationLoss", out double loss) ? Number(loss)
                        : "", console.Cell(r.Folder),
                }));
            }
            console.Result(() => new JsonObject { ["runs"] = new JsonArray([.. runs.Select(Json)]) });
            return Task.FromResult(0);
        }
    }

    private sealed class ShowCommand : ToolCommand
    {
        private readonly RunHistory _history;
        private readonly Argument<string> _run = new("RUN") { Description = "The id or folder of a run." };

        public ShowCommand(ToolConsole console, RunHistory history)
            : base(console, "show", "Shows one run.", "atelier runs show runs/quickstart")
        {
            _history = history;
            Add(_run);
        }

        protected override Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation)
        {
            RunRecord run = Find(_history, parse.GetRequiredValue(_run));
            console.Table(["", ""],
            [
                ["id", run.Id], ["folder", run.Folder], ["recipe", run.Recipe], ["family", run.Family],
                    ["status", run.CurrentStatus],
                ["started", run.Started.ToString("u", CultureInfo.InvariantCulture)],
                    ["steps", run.Steps.ToString(CultureInfo.InvariantCulture)],
                ["seconds", Number(run.Seconds)], .. run.Metrics.Select(m => new[] { m.Key, Number(m.Value) }),
            ]);
            console.Result(() => Json(run));
            return Task.FromResult(0);
        }
    }

    private sealed class DeleteCommand : ToolCommand
    {
        private readonly RunHistory _history;
        private readonly Argument<string> _run = new("RUN") { Description = "The id or folder of a run." };
        private readonly Option<bool> _yes = new("--yes") { Description = "Does not ask for confirmation." };
        private readonly Option<bool> _keepFiles =
            new("--keep-files") { Description = "Removes the run from the history and keeps its folder." };

        public DeleteCommand(ToolConsole console, RunHistory history)
            : base(console, "delete", "Deletes a run and its folder.", "atelier runs delete runs/first --yes")
        {
            _history = history;
            Add(_run);
            Add(_yes);
            Add(_keepFiles);
        }

        protected override Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation)
        {
            string named = parse.GetRequiredValue(_run);
            // The history may have been deleted, but the folder is enough.
            RunRecord? known = Run.Exists(named) ? _history.Find(named) : Find(_history, named);
            string folder = known?.Folder ?? Path.GetFullPath(named);
            bool deletes = !parse.GetValue(_keepFiles) && Directory.Exists(folder);
            if (Run.IsHeld(folder))
                throw new AtelierException("another process is using this run", folder,
                    "stop it first, or wait for it");
            if (deletes && !parse.GetValue(_yes)
                && !console.Confirm($"delete {folder} and the {Files(folder)} in it",
                    "add --yes to delete it, or --keep-files to remove it from the history only"))
            {
                console.Say("nothing was deleted");
                console.Result(() => Json(known, folder, isDeleted: false, filesDeleted: false));
                return Task.FromResult(0);
            }
            if (deletes)
                Run.Delete(folder);
            if (known is not null)
                _history.Delete(known.Id);
            console.Say(deletes ? $"deleted {folder}" : $"removed from the history; the files stay in {folder}");
            console.Result(() => Json(known, folder, isDeleted: true, deletes));
            return Task.FromResult(0);
        }

        private static string Files(string folder)
        {
            FileInfo[] files = [.. new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories)];
            return string.Create(CultureInfo.InvariantCulture,
                $"{Quantity.Of(files.Length, "file")} ({files.Sum(f => f.Length) / 1e6:0.0} MB)");
        }

        internal static JsonObject Json(RunRecord? known, string folder, bool isDeleted, bool filesDeleted) => new()
        {
            ["id"] = known?.Id, ["run"] = folder, ["deleted"] = isDeleted, ["filesDeleted"] = filesDeleted,
        };
    }
}
