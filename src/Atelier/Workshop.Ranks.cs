using Atelier.Data;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Tensors.Ranks;
using Atelier.Training;
using Atelier.Training.Distributed;

namespace Atelier;

public sealed partial class Workshop
{
    /// <summary>
    /// Creates or opens a run on rank 0, and lets the other ranks join it. A mistake on rank 0 ends the job before the
    /// others go on.
    /// </summary>
    /// <param name="options">The options, with the job if there is one.</param>
    /// <param name="recipe">The recipe of this process; null takes that of the run's folder.</param>
    /// <param name="begin">Creates or opens the run.</param>
    private Run Begin(TrainingOptions options, Recipe? recipe, Func<Run> begin)
    {
        if (options.Ranks is not { } job)
            return begin();
        ICommunicator ranks = job.Communicator;
        if (recipe is not null)
            RankAgreement.Check(ranks, recipe);
        Run? run = ranks.Leads() ? begin() : null;
        try
        {
            ranks.Barrier();
            run ??= Run.Join(options.Folder, Families);
            RankAgreement.Check(ranks, run.Recipe);
            run.Job = job;
            return run;
        }
        catch
        {
            run?.Dispose();
            throw;
        }
    }

    /// <summary>Trains on a rank that does not write: with the data that rank 0 has prepared.</summary>
    private async Task<TrainingOutcome> FollowAsync(Run run, CancellationToken cancellation)
    {
        IModelFamily family = FamilyOf(run.Recipe);
        try
        {
            await Task.Run(() => RankAgreement.CheckData(run.Ranks, run.DataFolder), CancellationToken.None)
                .ConfigureAwait(false);
            using IDataSource data = TaskList.Of(run.Recipe, family).Open(run.DataFolder);
            ILearner learner = await Task.Run(() => family.CreateLearner(run.Recipe, data), cancellation)
                .ConfigureAwait(false);
            CheckRanks(family, learner, run);
            TrainingReport report = await learner.LearnAsync(run, new Progress<TrainingProgress>(), cancellation)
                .ConfigureAwait(false);
            return new TrainingOutcome(run.Folder, family.Name, report);
        }
        catch (Exception e)
        {
            if (FileFault.Explain(e, run.Folder) is { } mistake)
                throw mistake;
            throw;
        }
    }

    private static void CheckRanks(IModelFamily family, ILearner learner, Run run)
    {
        if (run.Job is not null && learner is not IRankLearner)
            throw new AtelierException($"the family {family.Name} does not train on several ranks",
                Mention.Field("ranks"), "train it with one process");
    }
}
