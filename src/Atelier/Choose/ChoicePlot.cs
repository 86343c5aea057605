using Atelier.Evaluation;
using Atelier.Evaluation.Plots;

namespace Atelier.Choose;

/// <summary>Plots the quality of candidates against the time of their training.</summary>
internal static class ChoicePlot
{
    private const int MostCurves = 5; // as many as have a colour of their own

    /// <summary>
    /// Saves a plot as PNG: for each candidate a curve from its trials to what is expected of its full training.
    /// </summary>
    /// <param name="path">The path of the PNG to write.</param>
    /// <param name="candidates">The candidates, the best first; only the first ones are drawn.</param>
    /// <param name="headline">The metric.</param>
    public static void Save(string path, IReadOnlyList<ChoiceCandidate> candidates, Headline headline) =>
        CurvePlot.Save(path,
        [
            .. candidates.Where(candidate => candidate is { Expected: not null, Seconds: > 0 }).Take(MostCurves)
                .Select(candidate => (candidate.Name, Points(candidate))),
        ], "training time", seconds => Quantity.Duration(seconds), headline, legend: null);

    private static IReadOnlyList<(double, Metric)> Points(ChoiceCandidate candidate) =>
    [
        .. candidate.IsMeasured ? [] : candidate.Trials.Select(trial =>
            (Math.Max(1e-3, trial.Steps * trial.SecondsPerStep), trial.Figure)),
        (Math.Max(1e-3, candidate.Seconds!.Value), candidate.Expected!),
    ];
}
