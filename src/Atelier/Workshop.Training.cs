using System.Text.Json;
using Atelier.Data;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Tensors;
using Atelier.Training;

namespace Atelier;

public sealed partial class Workshop
{
    /// <summary>Prepares the data and trains a model as the recipe says.</summary>
    /// <param name="recipe">What to make.</param>
    /// <param name="options">
    /// The run's folder, progress and profile. The folder is new or empty, or holds a run that ended before its first
    /// checkpoint.
    /// </param>
    /// <param name="cancellation">
    /// Ends training after the current step; a checkpoint is saved, and <see cref="ResumeAsync"/> continues from it.
    /// </param>
    /// <exception cref="AtelierException">The recipe, the data or the folder is at fault.</exception>
    public async Task<TrainingOutcome> TrainAsync(Recipe recipe, TrainingOptions options,
        CancellationToken cancellation = default)
    {
        // A mistake is reported before a folder is made.
        IModelFamily family = FamilyOf(recipe);
        TaskList.Of(recipe, family);
        if (family.TakesSteps)
        {
            await Task.Run(() => ComputeDevice.ResolveForTraining(recipe.Training.Device, cancellation), cancellation)
                .ConfigureAwait(false);
            Precision fast = ComputeDevice.FastPrecision(recipe.Training.Device);
            if (recipe.Training.Precision == Precision.Bf16 && fast != Precision.Bf16)
            {
                options.Progress?.Report(new TrainingProgress { Step = 0, Message =
                    "this processor has no instructions for bf16: training.precision fp32 is several times faster" });
            }
            recipe = recipe with { Training = recipe.Training with { Precision = recipe.Training.ChosenPrecision } };
        }
        bool replaced = Run.Exists(options.Folder);
        using var run = Run.Create(options.Folder, recipe);
        if (replaced)
            options.Progress?.Report(new TrainingProgress { Step = 0,
                Message = "the run that was here had learned nothing that was kept; it is begun anew" });
        return await LearnAsync(run, options, cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// Continues a run that was interrupted from its last checkpoint, as its own recipe says. Keys that change neither
    /// the data nor what a checkpoint holds, such as training.steps, may have been edited in the recipe meanwhile.
    /// </summary>
    /// <param name="options">The run's folder, progress and profile.</param>
    /// <param name="cancellation">
    /// Ends training after the current step; a checkpoint is saved, and training can be resumed again.
    /// </param>
    /// <exception cref="AtelierException">There is no run, it is finished or in use, its files are damaged, or its
    /// recipe was edited so that it no longer fits.</exception>
    public async Task<TrainingOutcome> ResumeAsync(TrainingOptions options, CancellationToken cancellation = default)
    {
        using var run = Run.Open(options.Folder, Families);
        if (run.IsFinished)
            throw new AtelierException("this run is finished", options.Folder,
                $"train a new one with another {Mention.Field("out")}");
        RecipeChanges.Check(run, Families);
        foreach (string key in run.UnreadKeys)
        {
            options.Progress?.Report(
                new() { Step = 0, Message = $"{key} in recipe.yaml is left out, since nothing reads it" });
        }
        return await LearnAsync(run, options, cancellation).ConfigureAwait(false);
    }

    /// <summary>Tries growing learning rates on a recipe; nothing but the result is kept.</summary>
    /// <param name="recipe">What would be made.</param>
    /// <param name="progress">Receives each rate and its loss.</param>
    /// <param name="cancellation">Ends the sweep early; the result holds what was found so far.</param>
    /// <exception cref="AtelierException">The recipe or the data is at fault, or the family does not learn by gradient
    /// descent.</exception>
    public async Task<LearningRateSweep> FindLearningRateAsync(
        Recipe recipe, IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default)
    {
        IProgress<TrainingProgress> told = progress ?? new Progress<TrainingProgress>();
        IModelFamily family = FamilyOf(recipe);
        using var folder = new WorkFolder();
        using IDataSource data = Prepare(recipe, folder.Path, told, cancellation);
        if (await Task.Run(() => family.CreateLearner(recipe, data), cancellation).ConfigureAwait(false)
            is not ILearningRateFinder finder)
            throw new AtelierException($"the family {family.Name} has no learning rate", "model.family",
                "it learns by counting");
        return await Task.Run(() => finder.FindLearningRate(told, cancellation), CancellationToken.None)
            .ConfigureAwait(false);
    }

    private async Task<TrainingOutcome> LearnAsync(Run run, TrainingOptions options, CancellationToken cancellation)
    {
        IProgress<TrainingProgress> progress = options.Progress ?? new Progress<TrainingProgress>();
        (run.Profile, run.Home) = (options.Profile, _home);
        IModelFamily family = FamilyOf(run.Recipe);
        var record = new RunRecord
        {
            Id = Guid.NewGuid().ToString("N")[..8], Folder = run.Folder, Family = family.Name, Recipe = run.Recipe.Name,
            Started = DateTimeOffset.UtcNow, Status = "running",
        };
        record = Remember(record, progress);
        try
        {
            using IDataSource data = Prepare(run.Recipe, run.DataFolder, progress, cancellation);
            ILearner learner = await Task.Run(() => family.CreateLearner(run.Recipe, data), cancellation)
                .ConfigureAwait(false);
            if (run.Profile is not null && learner is not ILearningRateFinder)
                throw new AtelierException($"the family {family.Name} takes no steps whose time could be told",
                    "model.family", "it learns by counting");
            TrainingReport report = await learner.LearnAsync(run, progress, cancellation).ConfigureAwait(false);
            var outcome = new TrainingOutcome(run.Folder, family.Name, report);
            if (!outcome.IsInterrupted)
                run.Finish(json => Write(json, outcome));
            Remember(record with
            {
                Status = outcome.IsInterrupted ? "interrupted" : "finished", Finished = DateTimeOffset.UtcNow,
                Steps = report.Steps, Seconds = report.Seconds, Metrics = report.Metrics,
            }, progress);
            return outcome;
        }
        catch (Exception e)
        {
            // What was found before learning began leaves nothing behind, but prepared data that is whole where no
            // mistake was made.
            bool isInterrupted = e is OperationCanceledException;
            if (run.IsBarelyBegun
                && !(isInterrupted && File.Exists(Path.Combine(run.DataFolder, PreparedFacts.FileName))))
                Abandon(run, record, progress);
            else
                Remember(record with { Status = isInterrupted ? "interrupted"
                    : "failed", Finished = DateTimeOffset.UtcNow }, progress);
            if (FileFault.Explain(e, run.Folder) is { } mistake)
                throw mistake;
            throw;
        }
    }

    private IDataSource Prepare(Recipe recipe, string folder, IProgress<TrainingProgress> progress,
        CancellationToken cancellation)
    {
        ITask task = TaskList.Of(recipe, FamilyOf(recipe));
        // facts.json is written last: where it is, the data is whole.
        if (File.Exists(Path.Combine(folder, PreparedFacts.FileName)))
            return task.Open(folder);
        var remarks = new Remarks(progress);
        IDataSource data = task.Prepare(recipe, folder, remarks, cancellation);
        RecipeChanges.Keep(recipe, folder);
        foreach (string note in data.Notes)
            remarks.Report(note);
        return data;
    }

    // The history is a convenience: where it fails, the training goes on, and the user gets a remark.
    private RunRecord Remember(RunRecord record, IProgress<TrainingProgress> progress)
    {
        try
        {
            RunRecord known = History.Find(record.Folder) is { } before ? record with { Id = before.Id }
                : record;
            History.Save(known);
            return known;
        }
        catch (AtelierException e)
        {
            progress.Report(new TrainingProgress { Step = 0, Message = e.ToLine() });
            return record;
        }
    }

    private void Abandon(Run run, RunRecord record, IProgress<TrainingProgress> progress)
    {
        try
        {
            run.Abandon();
            History.Delete(record.Id);
        }
        catch (Exception e) when (e is AtelierException or IOException or UnauthorizedAccessException)
        {
            progress.Report(new TrainingProgress { Step = 0,
                Message = $"what was begun could not be taken away: {e.Message}" });
        }
    }

    private static void Write(Utf8JsonWriter json, TrainingOutcome outcome)
    {
        json.WriteStartObject();
        json.WriteString("family", outcome.Family);
        json.WriteString("stopReason", outcome.Report.StopReason);
        json.WriteNumber("steps", outcome.Report.Steps);
        json.WriteNumber("seconds", outcome.Report.Seconds);
        json.WriteStartObject("metrics");
        foreach ((string name, double value) in outcome.Report.Metrics)
            json.WriteNumber(name, value);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private sealed class Remarks(IProgress<TrainingProgress> progress) : IProgress<string>
    {
        public void Report(string value) => progress.Report(new TrainingProgress { Step = 0, Message = value });
    }
}
