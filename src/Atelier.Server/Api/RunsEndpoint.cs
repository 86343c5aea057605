using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Formats;
using Atelier.Runs;

namespace Atelier.Server.Api;

/// <summary>GET /v1/atelier/runs and /v1/atelier/runs/ID: trainings, their curves, samples and plots.</summary>
internal sealed class RunsEndpoint(Workshop workshop)
{
    private const int MostPoints = 500; // of a curve
    private const int MostSamples = 4, MostPlots = 8;
    private const long MostFileBytes = 4 << 20;

    private static readonly Dictionary<string, string> MediaTypes = new(StringComparer.OrdinalIgnoreCase)
    {
        [".txt"] = "text/plain", [".png"] = "image/png", [".gif"] = "image/gif", [".wav"] = "audio/wav",
    };

    public Task ListAsync(HttpContext context) => JsonAnswer.WriteAsync(context, new JsonObject
    {
        ["runs"] = new JsonArray([.. workshop.History.List().Where(run => run.CurrentStatus != RunRecord.Gone)
            .Select(run => (JsonNode)Describe(run))]),
    });

    public Task OneAsync(HttpContext context)
    {
        string id = (string)context.Request.RouteValues["id"]!;
        // an id of the history, never a folder
        RunRecord run = workshop.History.List().FirstOrDefault(one => one.Id == id
            && one.CurrentStatus != RunRecord.Gone)
            ?? throw new ApiException(StatusCodes.Status404NotFound, $"there is no run '{id}'", "id", "run_not_found");
        JsonObject json = Describe(run);
        string recipe = Run.RecipePath(run.Folder);
        json["recipe_yaml"] = File.Exists(recipe) ? InputFile.ReadAllText(recipe) : null;
        try
        {
            json["total_steps"] = Run.ReadRecipe(run.Folder, workshop.Families).Training.Steps;
        }
        catch (AtelierException)
        {
            json["total_steps"] = null; // of a family that this server does not know
        }
        json["curves"] = Curves(Run.MetricsOf(run.Folder));
        json["samples"] = Files(Run.SamplesOf(run.Folder), MostSamples);
        json["plots"] = Files(Run.PlotsOf(run.Folder), MostPlots);
        return JsonAnswer.WriteAsync(context, json);
    }

    /// <summary>The run, as lists show it.</summary>
    internal static JsonObject Describe(RunRecord run) => new()
    {
        ["id"] = run.Id,
        ["name"] = Path.GetFileName(run.Folder),
        ["family"] = run.Family,
        ["recipe"] = run.Recipe,
        ["status"] = run.CurrentStatus,
        ["started"] = run.Started,
        ["finished"] = run.Finished,
        ["steps"] = run.Steps,
        ["seconds"] = run.Seconds,
        ["metrics"] = new JsonObject(run.Metrics.Where(pair => double.IsFinite(pair.Value))
            .Select(pair => KeyValuePair.Create<string, JsonNode?>(pair.Key, pair.Value))),
    };

    /// <summary>The curve of each number in the lines of a run's metrics, thinned evenly.</summary>
    internal static JsonObject Curves(string path)
    {
        var curves = new Dictionary<string, List<(double Step, double Value)>>(StringComparer.Ordinal);
        foreach (string line in File.Exists(path) ? InputFile.ReadAllText(path).Split('\n') : [])
        {
            if (Parse(line) is not { } numbers || !numbers.TryGetValue("step", out double step))
                continue; // the last line may be half written
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
