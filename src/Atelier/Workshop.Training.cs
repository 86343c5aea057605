using System.Text.Json;
using Atelier.Data;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Tensors;
using Atelier.Tensors.Ranks;
using Atelier.Training;
using Atelier.Training.Distributed;

namespace Atelier;

public sealed partial class Workshop
{
    /// <summary>Prepares the data of a recipe and trains its model.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="options">
    /// The folder of the run, progress and profile. The folder must be new or empty, or hold a run that ended before
    /// its first checkpoint.
    /// </param>
    /// <param name="cancellation">
    /// Ends training after the current step. A checkpoint is saved, from which <see cref="ResumeAsync"/> continues.
    /// </param>
    /// <exception cref="AtelierException">There is an error in the recipe, the data or the folder.</exception>
    public async Task<TrainingOutcome> TrainAsync(Recipe recipe, TrainingOptions options,
        CancellationToken cancellation = default)
    {
        // These checks throw before a folder is created.
        recipe = await Task.Run(() => Resolve(recipe), cancellation).ConfigureAwait(false);
        IModelFamily family = FamilyOf(recipe);
        TaskList.Of(recipe, family);
        if (family.TakesSteps)
        {
            await Task.Run(() => ComputeDevice.ResolveForTraining(recipe.Training.Device, cancellation), cancellation)
                .ConfigureAwait(false);
            Precision fast = ComputeDevice.FastPrecision(recipe.Training.Device);
            if (recipe.Training.Precision == Precision.Bf16 && fast != Precision.Bf16)
            {
                Report(options.Progress,
                    "this processor has no instructions for bf16: training.precision fp32 is several times faster");
            }
            recipe = recipe with { Training = recipe.Training with { Precision = recipe.Training.ChosenPrecision } };
        }
        bool replaced = Run.Exists(options.Folder);
        using Run run = Begin(options, recipe, () => Run.Create(options.Folder, recipe));
        if (replaced)
        {
            Report(options.Progress,
                "the earlier run in this folder had stopped before its first checkpoint; starting again");
        }
        return await LearnAsync(run, options, cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// Continues an interrupted run from its last checkpoint, by the recipe in its folder. Keys of the recipe that
    /// change neither the data nor the contents of a checkpoint, such as training.steps, may have been edited.
    /// </summary>
    /// <param name="options">The folder of the run, progress and profile.</param>
    /// <param name="cancellation">
    /// Ends training after the current step. A checkpoint is saved, and training can be resumed again.
    /// </param>
    /// <exception cref="AtelierException">There is no run, it is finished or in use, its files are damaged, or its
    /// recipe no longer matches its data or checkpoints.</exception>
    public async Task<TrainingOutcome> ResumeAsync(TrainingOptions options, CancellationToken cancellation = default)
    {
        using Run run = Begin(options, recipe: null, () => Reopen(options.Folder));
        foreach (string key in run.UnreadKeys)
            Report(options.Progress, $"{key} in recipe.yaml is ignored, because nothing uses it");
        return await LearnAsync(run, options, cancellation).ConfigureAwait(false);
    }

    private Run Reopen(string folder)
    {
        var run = Run.Open(folder, Families);
        try
        {
            if (run.IsFinished)
                throw new AtelierException("this run is finished", folder,
                    $"train a new one with another {Mention.Field("out")}");
            RecipeChanges.Check(run, Families);
            return run;
        }
        catch
        {
            run.Dispose(); // another process, or this one, may open it
            throw;
        }
    }

    /// <summary>Searches a learning rate for a recipe by training steps with growing rates. Writes no files.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="progress">Receives each learning rate and its loss.</param>
    /// <param name="cancellation">Ends the sweep early; the result covers the rates tried so far.</param>
    /// <exception cref="AtelierException">There is an error in the recipe or the data, or the family is not trained by
    /// gradient descent.</exception>
    public async Task<LearningRateSweep> FindLearningRateAsync(
        Recipe recipe, IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default)
    {
        progress ??= new Progress<TrainingProgress>();
        recipe = await Task.Run(() => Resolve(recipe), cancellation).ConfigureAwait(false);
        IModelFamily family = FamilyOf(recipe);
        using var folder = new WorkFolder();
        using IDataSource data = Prepare(recipe, folder.Path, progress, cancellation);
        ILearner learner =
            await Task.Run(() => family.CreateLearner(recipe, data), cancellation).ConfigureAwait(false);
        if (learner is not ILearningRateFinder finder)
            throw new AtelierException($"the family {family.Name} has no learning rate", "model.family",
                "it is trained by counting");
        return await Task.Run(() => finder.FindLearningRate(progress, cancellation), CancellationToken.None)
            .ConfigureAwait(false);
    }

    private async Task<TrainingOutcome> LearnAsync(Run run, TrainingOptions options, CancellationToken cancellation)
    {
        IProgress<TrainingProgress> progress = options.Progress ?? new Progress<TrainingProgress>();
        (run.Profile, run.Home) = (options.Profile, _home);
        if (!run.Ranks.Leads())
            return await FollowAsync(run, cancellation).ConfigureAwait(false);
        foreach (string note in run.Recipe.Notes)
            progress.Report(new TrainingProgress { Step = 0, Message = note });
        IModelFamily family = FamilyOf(run.Recipe);
        var record = new RunRecord
        {
            Id = Guid.NewGuid().ToString("N")[..8],
            Folder = run.Folder,
            Family = family.Name,
            Recipe = run.Recipe.Name,
            Started = DateTimeOffset.UtcNow,
            Status = "running",
        };
        record = Remember(record, progress);
        try
        {
            using IDataSource data = Prepare(run.Recipe, run.DataFolder, progress, cancellation);
            await Task.Run(() => RankAgreement.CheckData(run.Ranks, run.DataFolder), cancellation)
                .ConfigureAwait(false);
            ILearner learner = await Task.Run(() => family.CreateLearner(run.Recipe, data), cancellation)
                .ConfigureAwait(false);
            CheckRanks(family, learner, run);
            if (run.Profile is not null && learner is not ILearningRateFinder)
                throw new AtelierException($"the family {family.Name} does not train in steps, so there is nothing to "
                    + $"profile",
                    "model.family", "it is trained by counting");
            TrainingReport report = await learner.LearnAsync(run, progress, cancellation).ConfigureAwait(false);
            var outcome = new TrainingOutcome(run.Folder, family.Name, report);
            if (!outcome.IsInterrupted)
                run.Finish(json => Write(json, outcome));
            Remember(record with
            {
                Status = outcome.IsInterrupted ? "interrupted" : "finished",
                Finished = DateTimeOffset.UtcNow,
                Steps = report.Steps,
                Seconds = report.Seconds,
                Metrics = report.Metrics,
            }, progress);
            return outcome;
        }
        catch (Exception e)
        {
            // An error before training leaves no files behind. An interruption keeps complete prepared data.
            bool isInterrupted = e is OperationCanceledException;
            bool isPrepared = File.Exists(Path.Combine(run.DataFolder, PreparedFacts.FileName));
            string status = isInterrupted ? "interrupted" : "failed";
            if (run.IsBarelyBegun && !(isInterrupted && isPrepared))
                Abandon(run, record, progress);
            else
                Remember(record with { Status = status, Finished = DateTimeOffset.UtcNow }, progress);
            if (FileFault.Explain(e, run.Folder) is { } mistake)
                throw mistake;
            throw;
        }
    }

    private IDataSource Prepare(Recipe recipe, string folder, IProgress<TrainingProgress> progress,
        CancellationToken cancellation)
    {
        ITask task = TaskList.Of(recipe, FamilyOf(recipe));
        // facts.json is written last: if it exists, the data are complete.
        if (File.Exists(Path.Combine(folder, PreparedFacts.FileName)))
            return task.Open(folder);
        var remarks = new Remarks(progress);
        IDataSource data = task.Prepare(recipe, folder, remarks, cancellation);
        RecipeChanges.Keep(recipe, folder);
        foreach (string note in data.Notes)
            remarks.Report(note);
        return data;
    }

    // The history is only a convenience: if it cannot be written, training continues and the user gets a message.
    private RunRecord Remember(RunRecord record, IProgress<TrainingProgress> progress)
    {
        try
        {
            RunRecord known = History.Find(record.Folder) is { } before ? record with { Id = before.Id } : record;
            History.Save(known);
            return known;
        }
        catch (AtelierException e)
        {
            Report(progress, e.ToLine());
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
            Report(progress, $"the unfinished folder could not be deleted: {e.Message}");
        }
    }

    private static void Report(IProgress<TrainingProgress>? progress, string message) =>
        progress?.Report(new TrainingProgress { Step = 0, Message = message });

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
        public void Report(string value) => Workshop.Report(progress, value);
    }
}
