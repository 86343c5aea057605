using System.Text.Json.Nodes;
using Atelier.Runs;
using Atelier.Server.Trainings;

namespace Atelier.Server.Api;

/// <summary>POST /v1/atelier/runs, and /v1/atelier/runs/ID/stop and /resume: starts and ends trainings.</summary>
internal sealed class TrainingsEndpoint(Workshop workshop, RunList runs, TrainingStore trainings,
    RecipeChecking checking, RecipeNaming naming)
{
    private const int LongestName = 100;

    public async Task StartAsync(HttpContext context)
    {
        TrainingFields fields = await RequestBody.ReadAsync<TrainingFields>(context).ConfigureAwait(false);
        if (fields.RecipeYaml is not { } yaml)
            throw ApiException.Invalid("recipe_yaml", "'recipe_yaml' is missing; it is the text of a recipe");
        if (fields.Name is { Length: 0 or > LongestName } || fields.Name?.Any(char.IsControl) == true)
            throw ApiException.Invalid("name", $"'name' has from 1 to {LongestName} characters, in one line");
        CheckedRecipe found = await Task.Run(() => checking.Check(yaml), context.RequestAborted).ConfigureAwait(false);
        if (found.Errors is [var first, ..])
            throw ApiException.Invalid(first.Key ?? "recipe_yaml", first.Line is { } line
                ? $"line {line}: {first.Message}" : first.Message, "invalid_recipe");
        TrainingJob training = trainings.Start(found.Recipe!, found.Yaml, fields.Name, found.Recipe!.Data.Source);
        await AcceptAsync(context, training).ConfigureAwait(false);
    }

    public Task StopAsync(HttpContext context)
    {
        string id = IdOf(context);
        if (trainings.Find(id) is { } known)
        {
            trainings.Stop(known.Training);
            return AcceptAsync(context, known.Training);
        }
        throw new ApiException(StatusCodes.Status409Conflict, runs.Require(id).Status == "running"
            ? "another program runs this training; stop it there" : "this training does not run", "id", "wrong_status");
    }

    public Task ResumeAsync(HttpContext context)
    {
        string id = IdOf(context);
        TrainingJob training = trainings.Find(id) is { } known ? known.Training : Adopt(runs.Require(id).Record);
        trainings.Resume(training);
        return AcceptAsync(context, training);
    }

    /// <summary>A run of the folder of runs that another program has begun.</summary>
    private TrainingJob Adopt(RunRecord run) => !trainings.Holds(run)
        ? throw new ApiException(StatusCodes.Status409Conflict,
            "this run is in another folder; resume it there", "id", "wrong_folder")
        : new TrainingJob(run.Id, Path.GetFileName(run.Folder), run.Recipe, run.Family,
            naming.DataOf(Run.ReadRecipe(run.Folder, workshop.Families).Data.Source), run.Started);

    private static string IdOf(HttpContext context) => (string)context.Request.RouteValues["id"]!;

    private static Task AcceptAsync(HttpContext context, TrainingJob training)
    {
        context.Response.StatusCode = StatusCodes.Status202Accepted;
        return JsonAnswer.WriteAsync(context, new JsonObject { ["id"] = training.Id, ["name"] = training.Name });
    }
}

/// <summary>The body of a request for a training.</summary>
internal sealed record TrainingFields : RequestFields
{
    /// <summary>The text of the recipe.</summary>
    public string? RecipeYaml { get; init; }

    /// <summary>The name of the run; by default, that of the recipe.</summary>
    public string? Name { get; init; }
}
