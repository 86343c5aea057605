using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Evaluation;
using Atelier.Formats;
using Atelier.Models;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks;

namespace Atelier;

/// <summary>
/// Judges the model of a run or a bundle: finds the data, asks its task, and keeps the page in the run's folder.
/// </summary>
internal static class RunEvaluation
{
    /// <summary>The report.</summary>
    /// <param name="generator">The model of the folder.</param>
    /// <param name="folder">A run's folder; with <paramref name="against"/> a bundle's too.</param>
    /// <param name="against">Other data, or null for the run's own.</param>
    /// <param name="seed">The seed of samples and resampling; null takes the run's.</param>
    /// <param name="progress">Receives a message at each stage.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">There is no held-out data, or it does not fit the model.</exception>
    public static async Task<EvaluationReport> EvaluateAsync(IGenerator generator, string folder, string? against,
        long? seed,
        IProgress<string>? progress, CancellationToken cancellation)
    {
        ITask task = TaskList.Of(generator);
        Recipe recipe = Run.Exists(folder) ? Run.ReadRecipe(folder, ModelFamilies.All) : new Recipe();
        long drawn = seed ?? recipe.Seed;
        if (against is null)
        {
            using IDataSource own = Workshop.OpenData(folder);
            EvaluationReport report = await task.EvaluateAsync(
                new EvaluationContext(generator, own, recipe.Evaluation, folder, drawn,
                    Path.Combine(folder, "plots", "evaluation.png"), folder) { Families = ModelFamilies.All },
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
        var judging =
            new EvaluationContext(generator, data, recipe.Evaluation, folder, drawn, Picture: null, Other: other)
        {
            Families = ModelFamilies.All,
        };
        return await task.EvaluateAsync(judging, progress, cancellation).ConfigureAwait(false);
    }
}
