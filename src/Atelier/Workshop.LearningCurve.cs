using System.Globalization;
using Atelier.Evaluation;
using Atelier.Recipes;
using Atelier.Tasks;
using Atelier.Training;

namespace Atelier;

public sealed partial class Workshop
{
    /// <summary>
    /// Trains a model by a recipe on each of several numbers of examples, and evaluates each on the same held-out data.
    /// Each run is in a folder named for its number; curve.json and a plot are written when all are finished.
    /// </summary>
    /// <param name="recipe">The recipe, of tagged sentences or labelled texts.</param>
    /// <param name="examples">The numbers of training examples. Smaller sets are the beginnings of larger ones.</param>
    /// <param name="folder">The folder of the curve, which must be new or empty.</param>
    /// <param name="progress">Receives progress reports; null for none.</param>
    /// <param name="cancellation">Ends the current training; finished runs stay.</param>
    /// <exception cref="AtelierException">There is an error in the recipe, the data or the folder, or the data are of a
    /// kind whose examples are not counted.</exception>
    /// <exception cref="OperationCanceledException">The operation was cancelled.</exception>
    public async Task<LearningCurve> TrainCurveAsync(Recipe recipe, IReadOnlyList<int> examples, string folder,
        IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default)
    {
        recipe = await Task.Run(() => Resolve(recipe), cancellation).ConfigureAwait(false);
        ITask task = TaskList.Of(recipe, FamilyOf(recipe));
        if (!task.RecipeKeys.Contains("data.examples"))
            throw new AtelierException($"data of the kind {task.Name} have no number of examples to choose",
                "data.kind", "use tagged sentences or labelled texts");
        if (examples.Count == 0 || examples.Any(count => count < 1))
            throw new AtelierException("the numbers of examples must be at least 1", Mention.Field("examples"),
                "write them with commas between them: 10,100,1000");
        var points = new List<LearningCurvePoint>();
        Headline? headline = null;
        foreach (int count in examples.Distinct().Order())
        {
            string run = Path.Combine(folder, count.ToString(CultureInfo.InvariantCulture));
            Report(progress, $"training on {Quantity.Of(count, "example")}");
            TrainingOutcome outcome = await TrainAsync(recipe with { Data = recipe.Data with { Examples = count } },
                new TrainingOptions(run) { Progress = progress }, cancellation).ConfigureAwait(false);
            if (outcome.IsInterrupted)
                throw new OperationCanceledException(cancellation);
            EvaluationReport report =
                await EvaluateAsync(run, cancellation: cancellation).ConfigureAwait(false);
            headline = report.Headline;
            points.Add(new(count, report.Metrics[headline.Metric], outcome.Report.Seconds, outcome.Folder));
            Report(progress, $"{Quantity.Of(count, "example")}: {headline.Metric} {points[^1].Metric.ToText()}");
        }
        var curve = new LearningCurve(recipe.Name, headline!, points);
        curve.Write(folder);
        LearningCurve.SavePlot(Path.Combine(folder, LearningCurve.PlotName), [curve]);
        return curve;
    }
}
