using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Server.Trainings;
using Atelier.Server.Uploads;

namespace Atelier.Server.Api;

/// <summary>GET /v1/atelier/runs and /v1/atelier/runs/ID: trainings, their curves, samples and plots.</summary>
internal sealed class RunsEndpoint(Workshop workshop, RunList runs, TrainingStore trainings, RecipeNaming naming,
    PathRedaction paths)
{
    private const int MostPoints = 500; // of a curve
    private const string PerSecond = "PerSecond"; // the end of the name of a speed: tokensPerSecond
    private const int MostSamples = 4, MostPlots = 8;
    private const long MostFileBytes = 4 << 20;

    private static readonly Dictionary<string, string> MediaTypes = new(StringComparer.OrdinalIgnoreCase)
    {
        [".txt"] = "text/plain", [".png"] = "image/png", [".gif"] = "image/gif", [".wav"] = "audio/wav",
    };

    private readonly TrainingPace _pace = new();

    public Task ListAsync(HttpContext context) => JsonAnswer.WriteAsync(context, new JsonObject
    {
        ["runs"] = new JsonArray([.. runs.All().Select(view => (JsonNode)Describe(view.Record, view.Status))]),
    });

    public Task OneAsync(HttpContext context)
    {
        string id = (string)context.Request.RouteValues["id"]!;
        RunView view = runs.Require(id);
        string folder = view.Record.Folder;
        JsonObject json = Describe(view.Record, view.Status);
        string? text = File.Exists(Run.RecipePath(folder)) ? InputFile.ReadAllText(Run.RecipePath(folder))
            : view.Training is null ? null : trainings.RecipeOf(view.Training);
        Recipe? recipe = text is null ? null : RecipeCheck.Of(text, workshop.Families).Recipe;
        json["recipe_yaml"] = text is null ? null : naming.ToNames(text);
        json["total_steps"] = recipe?.Training.Steps; // null too for a family that this server does not know
        json["curves"] = Curves(Run.MetricsOf(folder), out Dictionary<string, double> last);
        json["samples"] = Files(Run.SamplesOf(folder), MostSamples);
        json["plots"] = Files(Run.PlotsOf(folder), MostPlots);
        TrainingLog log = view.Training is null ? new([], null) : trainings.LogOf(view.Training);
        json["progress"] = Progress(view, recipe?.Training.Steps, last);
        json["log"] = new JsonArray([.. log.Lines.Select(line => (JsonNode)paths.Redact(line))]);
        json["failure"] = view.Status == "failed" && log.Failure is { } failure ? paths.Redact(failure) : null;
        json["model"] = runs.ModelOf(view)?.Name;
        json["data"] = view.Training?.Data ?? (recipe is null ? null : naming.DataOf(recipe.Data.Source));
        return JsonAnswer.WriteAsync(context, json);
    }

    private JsonObject? Progress(RunView view, long? total, Dictionary<string, double> last)
    {
        if (view.Status != "running")
        {
            _pace.Forget(view.Record.Id);
            return null;
        }
        double step = last.GetValueOrDefault("step");
        double? pace = last.Count == 0 ? null : _pace.SecondsPerStep(view.Record.Id, step,
            File.GetLastWriteTimeUtc(Run.MetricsOf(view.Record.Folder)));
        (string? speed, double perSecond) = last.FirstOrDefault(pair => pair.Key.EndsWith(PerSecond,
            StringComparison.Ordinal));
        return new JsonObject
        {
            ["step"] = (long)step, ["total"] = total,
            ["seconds_left"] = total is { } end && pace is { } seconds ? Math.Max(0, (end - step) * seconds) : null,
            ["per_second"] = speed is null ? null : perSecond, ["unit"] = speed?[..^PerSecond.Length],
        };
    }

    /// <summary>A run, as lists show it.</summary>
    internal static JsonObject Describe(RunRecord run, string status)
    {
        JsonObject json = run.ToJson(status);
        json.Insert(1, "name", Path.GetFileName(run.Folder));
        var metrics = (JsonObject)json["metrics"]!;
        foreach ((string name, _) in run.Metrics.Where(pair => !double.IsFinite(pair.Value)))
            metrics.Remove(name); // JSON has no number for it
        return json;
    }

    /// <summary>
    /// The curve of each number in the lines of a run's metrics, thinned evenly, and the last of each number.
    /// </summary>
    internal static JsonObject Curves(string path, out Dictionary<string, double> last)
    {
        last = new Dictionary<string, double>(StringComparer.Ordinal);
        var curves = new Dictionary<string, List<(double Step, double Value)>>(StringComparer.Ordinal);
        foreach (string line in File.Exists(path) ? InputFile.ReadAllText(path).Split('\n') : [])
        {
            if (Parse(line) is not { } numbers || !numbers.TryGetValue("step", out double step))
                continue; // the last line may be half written
            foreach ((string name, double value) in numbers)
                last[name] = value;
            foreach ((string name, double value) in numbers.Where(pair => pair.Key != "step"))
            {
                if (!curves.TryGetValue(name, out List<(double, double)>? curve))
                    curves.Add(name, curve = []);
                curve.Add((step, value));
            }
        }
        return new JsonObject(curves.Select(pair => KeyValuePair.Create<string, JsonNode?>(pair.Key,
            new JsonArray([.. Thinned(pair.Value).Select(point =>
                (JsonNode)new JsonArray(point.Step, point.Value))]))));
    }

    private static IEnumerable<(double Step, double Value)> Thinned(List<(double, double)> points)
    {
        int every = Math.Max(1, (points.Count + MostPoints - 1) / MostPoints);
        return points.Where((_, i) => i % every == 0 || i == points.Count - 1);
    }

    private static Dictionary<string, double>? Parse(string line)
    {
        try
        {
            return line.Length == 0 || JsonNode.Parse(line) is not JsonObject json ? null
                : json.Where(pair => pair.Value?.GetValueKind() == JsonValueKind.Number)
                    .ToDictionary(pair => pair.Key, pair => (double)pair.Value!);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The newest files of a folder that a browser can show.</summary>
    internal static JsonArray Files(string folder, int most)
    {
        IEnumerable<FileInfo> files = !Directory.Exists(folder) ? []
            : new DirectoryInfo(folder).EnumerateFiles()
                .Where(IsShown)
                .OrderByDescending(file => file.LastWriteTimeUtc).ThenBy(file => file.Name, StringComparer.Ordinal)
                .Take(most);
        return new JsonArray([.. files.Select(file => (JsonNode)Media(file))]);
    }

    /// <summary>A file of a folder that a browser can show; null if there is no such file.</summary>
    internal static JsonObject? Media(string folder, string name)
    {
        var file = new FileInfo(Path.Combine(folder, Path.GetFileName(name)));
        return file.Exists && IsShown(file) ? Media(file) : null;
    }

    private static bool IsShown(FileInfo file) =>
        MediaTypes.ContainsKey(file.Extension) && file.Length <= MostFileBytes;

    private static JsonObject Media(FileInfo file)
    {
        string type = MediaTypes[file.Extension];
        var json = new JsonObject { ["name"] = file.Name, ["media_type"] = type };
        if (type == "text/plain")
            json["text"] = InputFile.ReadAllText(file.FullName);
        else
            json["b64"] = Convert.ToBase64String(InputFile.ReadAllBytes(file.FullName));
        return json;
    }
}
