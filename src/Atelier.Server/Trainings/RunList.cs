using Atelier.Runs;
using Atelier.Server.Serving;

namespace Atelier.Server.Trainings;

/// <summary>
/// All runs that there are, those of the history and the trainings that requests have started, and which served model
/// is of which run.
/// </summary>
internal sealed class RunList(Workshop workshop, TrainingStore trainings, ModelStore models)
{
    private const string Finished = "finished";

    /// <summary>Returns all runs, the latest first.</summary>
    public IReadOnlyList<RunView> All()
    {
        IReadOnlyList<RunRecord> history = workshop.History.List();
        var own = trainings.List().ToDictionary(one => trainings.FolderOf(one.Training));
        var known = history.ToDictionary(run => run.Folder);
        return
        [
            .. own.Select(pair =>
                Of(pair.Value.Training, pair.Value.Status, pair.Key, known.GetValueOrDefault(pair.Key)))
                .Concat(history.Where(run => !own.ContainsKey(run.Folder) && run.CurrentStatus != RunRecord.Gone)
                    .Select(run => new RunView(run, run.CurrentStatus, null)))
                .OrderByDescending(view => view.Record.Started),
        ];
    }

    /// <summary>Returns a run by its id, which is never a path; null if there is none.</summary>
    public RunView? Find(string id) => All().FirstOrDefault(view => view.Record.Id == id);

    /// <summary>Returns a run by its id.</summary>
    /// <param name="id">The id.</param>
    /// <param name="param">The field of the request that names it.</param>
    /// <exception cref="ApiException">There is no such run, or its folder is gone.</exception>
    public RunView Require(string id, string param = "id") => Find(id)
        ?? throw new ApiException(StatusCodes.Status404NotFound, $"there is no run '{id}'", param, "run_not_found");

    /// <summary>Returns the run that a served model is of; null if it is of none that is known.</summary>
    public RunView? Of(ServedModel model) => All().FirstOrDefault(view => view.Record.Folder == model.RunFolder);

    /// <summary>Returns the served model of a finished run; null if it is not served.</summary>
    public ServedModel? ModelOf(RunView view) => view.Status == Finished ? ModelIn(view.Record.Folder) : null;

    /// <summary>Returns the served model in a folder, of a run or of its bundle; null if there is none.</summary>
    public ServedModel? ModelIn(string folder) => models.Models.OrderBy(model => model.Name, StringComparer.Ordinal)
        .FirstOrDefault(model => model.RunFolder == ServedModel.RunFolderOf(folder));

    private static RunView Of(TrainingJob training, string status, string folder, RunRecord? known) =>
        new((known ?? new RunRecord
        {
            Id = training.Id, Folder = folder, Family = training.Family, Recipe = training.Recipe,
            Started = training.Created, Status = status,
        }) with { Id = training.Id, Finished = status is "running" or "queued" ? null : known?.Finished }, status,
            training);
}
