using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Evaluation;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks;

namespace Atelier;

public sealed partial class Workshop
{
    /// <summary>
    /// Evaluates the model of a run on its held-out data, or any model on data from another source. An evaluation on
    /// the run's own data also writes report.md, report.json, scores.json and a plot to the folder of the run. The
    /// model is opened by <see cref="Open"/> with its default options.
    /// </summary>
    /// <param name="folder">The folder of a run; with <paramref name="against"/>, also that of a bundle.</param>
    /// <param name="against">Other data to evaluate on: a file, a folder, the name of a catalogue entry or a world;
    /// null uses the data of the run.</param>
    /// <param name="seed">The seed of samples and of the bootstrap; null uses that of the run.</param>
    /// <param name="progress">Receives a one-line message at each stage.</param>
    /// <param name="cancellation">Cancels the evaluation.</param>
    /// <exception cref="AtelierException">There is no model or no held-out data, or the data do not match the
    /// model.</exception>
    public async Task<EvaluationReport> EvaluateAsync(string folder, string? against = null, long? seed = null,
        IProgress<string>? progress = null, CancellationToken cancellation = default)
    {
        using ITrainedModel model = Open(folder, cancellation: cancellation);
        bool isRun = Run.Exists(folder);
        ITask task = isRun ? TaskOf(folder) : TaskOf(model); // some models serve several tasks
        Recipe recipe = isRun ? Run.ReadRecipe(folder, Families) : new Recipe();
        long chosenSeed = seed ?? recipe.Seed;
        if (against is null)
        {
            using IDataSource own = OpenData(folder);
            string plot = Path.Combine(folder, "plots", "evaluation.png");
            var ownContext = new EvaluationContext(model, own, recipe.Evaluation, folder, chosenSeed, plot, folder)
            {
                Families = Families,
            };
            EvaluationReport report =
                await task.EvaluateAsync(ownContext, progress, cancellation).ConfigureAwait(false);
            AtomicFile.WriteText(Path.Combine(folder, EvaluationReport.FileName), report.ToJson());
            AtomicFile.WriteText(Path.Combine(folder, "report.md"), report.ToMarkdown());
            report.Scores?.Write(folder);
            return report;
        }
        using var prepared = new WorkFolder();
        string learned = Path.Combine(folder, "data");
        bool hasLearned = File.Exists(Path.Combine(learned, PreparedFacts.FileName));
        var other = new OtherData(against, recipe, Bundle.Open(folder), hasLearned ? learned : null, prepared.Path,
            chosenSeed);
        using IDataSource data =
            await Task.Run(() => task.PrepareOther(other, progress, cancellation), cancellation).ConfigureAwait(false);
        var context = new EvaluationContext(model, data, recipe.Evaluation, folder, chosenSeed, Picture: null)
        {
            Other = other,
            Families = Families,
        };
        return await task.EvaluateAsync(context, progress, cancellation).ConfigureAwait(false);
    }
}
