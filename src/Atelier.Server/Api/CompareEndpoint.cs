using System.Text.Json.Nodes;
using Atelier.Evaluation;
using Atelier.Runs;
using Atelier.Server.Serving;
using Atelier.Server.Trainings;

namespace Atelier.Server.Api;

/// <summary>
/// GET /v1/atelier/compare?runs=ID,ID or ?model=NAME&amp;model=NAME: the figures of runs on held-out data, and the
/// paired test of each against the first.
/// </summary>
internal sealed class CompareEndpoint(ModelStore models, RunList runs)
{
    private const int Fewest = 2, Most = 4;

    public async Task InvokeAsync(HttpContext context)
    {
        IQueryCollection query = context.Request.Query;
        string[] ids = [.. query["runs"].SelectMany(list => (list ?? "").Split(',')).Where(id => id.Length > 0)];
        string[] names = [.. query["model"].OfType<string>().Where(name => name.Length > 0)];
        string param = names.Length > 0 ? "model" : "runs";
        if (ids.Length > 0 && names.Length > 0)
            throw ApiException.Invalid("model", "runs and models are both given; name either 'runs' or 'model'");
        Compared[] compared = [.. ids.Select(OfRun), .. names.Select(OfModel)];
        if (compared.Length is < Fewest or > Most)
            throw ApiException.Invalid(param, FormattableString.Invariant(
                $"{compared.Length} are named; allowed: {Fewest} to {Most}, as runs=ID,ID or model=NAME&model=NAME"));
        if (compared.DistinctBy(one => one.Folder).Count() < compared.Length)
            throw ApiException.Invalid(param, "a model is compared with itself; name each once");
        string[] folders = [.. compared.Select(one => one.Folder)];
        IReadOnlyList<JudgedRun> judged =
            await Task.Run(() => RunComparison.Of(folders), context.RequestAborted).ConfigureAwait(false);
        await JsonAnswer.WriteAsync(context, new JsonObject
        {
            ["runs"] = new JsonArray([.. compared.Zip(judged, (one, run) => (JsonNode)Describe(one, run))]),
        }).ConfigureAwait(false);
    }

    private Compared OfRun(string id)
    {
        RunView run = runs.Require(id, "runs");
        return new(run.Record.Folder, run.Record, runs.ModelOf(run)?.Name);
    }

    private Compared OfModel(string name)
    {
        ServedModel model = models.Find(name) ?? throw ApiException.NoModel(name);
        return new(model.RunFolder, runs.Of(model)?.Record, name);
    }

    private static JsonObject Describe(Compared one, JudgedRun judged) => new()
    {
        ["run"] = one.Run?.Id,
        ["model"] = one.Model,
        ["name"] = Path.GetFileName(one.Folder),
        ["family"] = one.Run?.Family,
        ["data"] = judged.Report is { } report ? FigureJson.DataOf(report) : null,
        ["headline"] = judged.Report is { } headed ? FigureJson.Of(headed.Headline) : null,
        ["figures"] = judged.Report is { } measured ? FigureJson.Of(measured.Metrics) : null,
        ["difference"] = judged.FromFirst is { } difference ? FigureJson.Of(difference) : null,
        ["sentence"] = judged.Sentence,
    };

    /// <summary>What is compared: a folder, its run if the history has it, and its name if it is served.</summary>
    private sealed record Compared(string Folder, RunRecord? Run, string? Model);
}
