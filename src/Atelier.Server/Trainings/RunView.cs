using Atelier.Runs;
using Atelier.Server.Serving;

namespace Atelier.Server.Trainings;

/// <summary>A run as requests see it: of the history, of a training that a request has started, or of both.</summary>
/// <param name="Record">What the history says, or would say.</param>
/// <param name="Status">The status; "queued" too.</param>
/// <param name="Training">The training that a request has started; null for other runs.</param>
internal sealed record RunView(RunRecord Record, string Status, TrainingJob? Training);

/// <summary>All runs that there are: those of the history, and the trainings that requests have started.</summary>
internal sealed class RunList(Workshop workshop, TrainingStore trainings, ModelStore models)
{
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

    /// <summary>The name of the served model of a run; null if it is not served.</summary>
    public string? ModelOf(RunView view) => view.Status != "finished" ? null
        : models.Models.FirstOrDefault(model => Path.GetFullPath(model.Path) == view.Record.Folder)?.Name;

    private static RunView Of(TrainingJob training, string status, string folder, RunRecord? known) =>
        new((known ?? new RunRecord
        {
            Id = training.Id, Folder = folder, Family = training.Family, Recipe = training.Recipe,
            Started = training.Created, Status = status,
        }) with { Id = training.Id, Finished = status is "running" or "queued" ? null : known?.Finished }, status,
            training);
}
