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
    /// Evaluates a run's model on the data that was held out from training, or any model on all of other data. On a
    /// run's own data it also writes report.md, report.json, scores.json and a picture into the run's folder. The model
    /// is opened as <see cref="Open"/> opens it by default.
    /// </summary>
    /// <param name="folder">A run's folder; with <paramref name="against"/> also a bundle's.</param>
    /// <param name="against">Other data: a file, a folder, a name from the catalogue or a world.</param>
    /// <param name="seed">The seed of samples and of resampling; null uses the run's.</param>
    /// <param name="progress">Receives one line for each part of the work.</param>
    /// <param name="cancellation">Cancels the evaluation.</param>
    /// <exception cref="AtelierException">There is no model, there is no held-out data, or the data does not fit the
    /// model.</exception>
    public async Task<EvaluationReport> EvaluateAsync(string folder, string? against = null, long? seed = null,
        IProgress<string>? progress = null, CancellationToken cancellation = default)
    {
        using ITrainedModel model = Open(folder, cancellation: cancellation);
        ITask task = TaskOf(model);
        Recipe recipe = Run.Exists(folder) ? Run.ReadRecipe(folder, Families) : new Recipe();
        long drawn = seed ?? recipe.Seed;
        if (against is null)
        {
            using IDataSource own = OpenData(folder);
            EvaluationReport report = await task.EvaluateAsync(
                new EvaluationContext(model, own, recipe.Evaluation, folder, drawn,
                    Path.Combine(folder, "plots", "evaluation.png"), folder) { Families = Families },
                progress, cancellation).ConfigureAwait(false);
            AtomicFile.WriteText(Path.Combine(folder, EvaluationReport.FileName), report.ToJson());
            AtomicFile.WriteText(Path.Combine(folder, "report.md"), report.ToMarkdown());
            report.Scores?.Write(folder);
            return report;
        }
        using var prepared = new WorkFolder();
        string learned = Path.Combine(folder, "data");
        var other = new OtherData(against, recipe, Bundle.Open(folder),
            File.Exists(Path.Combine(learned, PreparedFacts.FileName)) ? learned : null, prepared.Path, drawn);
        using IDataSource data =
            await Task.Run(() => task.PrepareOther(other, progress, cancellation), cancellation).ConfigureAwait(false);
        var context =
            new EvaluationContext(model, data, recipe.Evaluation, folder, drawn, Picture: null, Other: other)
        {
            Families = Families,
        };
        return await task.EvaluateAsync(context, progress, cancellation).ConfigureAwait(false);
    }
}
