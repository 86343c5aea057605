using Atelier.Runs;

namespace Atelier.Server.Serving;

/// <summary>The runs of the history by their ids, and which served model is of which run.</summary>
internal sealed class ServedRuns(Workshop workshop, ModelStore models)
{
    /// <summary>Returns the run with an id of the history, which is never a path.</summary>
    /// <param name="id">The id.</param>
    /// <param name="param">The field of the request that names it.</param>
    /// <exception cref="ApiException">There is no such run, or its folder is gone.</exception>
    public RunRecord Require(string id, string param = "id") =>
        workshop.History.List().FirstOrDefault(run => run.Id == id && run.CurrentStatus != RunRecord.Gone)
            ?? throw new ApiException(StatusCodes.Status404NotFound, $"there is no run '{id}'", param, "run_not_found");

    /// <summary>Returns the run that a model is of; null if the history does not have it.</summary>
    public RunRecord? RunOf(ServedModel model)
    {
        string folder = FolderOf(model);
        return workshop.History.List().FirstOrDefault(run => run.Folder == folder);
    }

    /// <summary>Returns the model that is served of a run; null if there is none.</summary>
    public ServedModel? ModelOf(RunRecord run) =>
        models.Models.OrderBy(model => model.Name, StringComparer.Ordinal)
            .FirstOrDefault(model => FolderOf(model) == run.Folder);

    /// <summary>Returns the folder of a model's run, or that of the model itself if it has none.</summary>
    public static string FolderOf(ServedModel model)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(model.Path));
        // a run can be served by the folder of its bundle
        return Path.GetDirectoryName(full) is { } parent && !Run.Exists(full) && Run.Exists(parent) ? parent : full;
    }
}
