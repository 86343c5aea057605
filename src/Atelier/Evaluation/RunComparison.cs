using System.Globalization;
using Atelier.Evaluation.Text;

namespace Atelier.Evaluation;

/// <summary>A run in a comparison on held-out data.</summary>
/// <param name="Folder">The folder of the run.</param>
/// <param name="Report">Its evaluation; null if it was not evaluated.</param>
/// <param name="FromFirst">The difference of its headline metric from that of the first run; null for the first run,
/// and if the two cannot be compared.</param>
/// <param name="Reason">Why the two cannot be compared; null if they can.</param>
public sealed record JudgedRun(string Folder, EvaluationReport? Report, Comparison? FromFirst, string? Reason)
{
    /// <summary>
    /// What the comparison with the first run means, or why there is none, in words that follow "this run and the first
    /// run:"; null for the first run.
    /// </summary>
    public string? Sentence
    {
        get
        {
            if (FromFirst is not { } comparison || Report is null)
                return Reason;
            string outcome = comparison.Outcome switch
            {
                ComparisonOutcome.Beaten => "is better",
                ComparisonOutcome.NotBeaten => "is worse",
                _ => "is not clearly different",
            };
            if (comparison.Basis == ComparisonBasis.Bic)
                return string.Create(CultureInfo.InvariantCulture, $"the first of them {outcome} by BIC, "
                    + $"a difference of {comparison.Difference.Value:+0.00;-0.00} nats (no data was held out)");
            string pValue = comparison.PValue is { } p ? string.Create(CultureInfo.InvariantCulture, $" (p {p:0.000})")
                : "";
            return $"the first of them {outcome} on the same held-out data, by {comparison.Difference.ToText()} "
                + $"{Report.Headline.Unit}{pValue}";
        }
    }
}

/// <summary>
/// Compares runs by the saved scores of their evaluations, item by item on the same held-out documents, rows or
/// sequences.
/// </summary>
public static class RunComparison
{
    private const int Samples = 1000;
    private const long Seed = 1;

    /// <summary>Returns the metrics of each run, and its difference from the first run.</summary>
    /// <param name="folders">The folders of the runs.</param>
    /// <exception cref="AtelierException">The saved scores of a run are damaged.</exception>
    public static IReadOnlyList<JudgedRun> Of(IReadOnlyList<string> folders)
    {
        (EvaluationReport? Report, JudgedScores? Scores)[] judged =
            [.. folders.Select(folder => (EvaluationReport.Read(folder), JudgedScores.Read(folder)))];
        return [.. folders.Select((folder, i) =>
        {
            if (i == 0)
                return new JudgedRun(folder, judged[0].Report, null, null);
            (Comparison? difference, string? reason) = Compare(judged[i], judged[0]);
            return new JudgedRun(folder, judged[i].Report, difference, reason);
        })];
    }

    private static (Comparison? Difference, string? Reason) Compare(
        (EvaluationReport? Report, JudgedScores? Scores) own, (EvaluationReport? Report, JudgedScores? Scores) first)
    {
        if (own.Report is null || first.Report is null)
            return (null, "not compared: one of them was not evaluated; evaluate it first");
        (Headline ownHeadline, Headline firstHeadline) = (own.Report.Headline, first.Report.Headline);
        if (ownHeadline.Metric != firstHeadline.Metric || ownHeadline.Unit != firstHeadline.Unit)
        {
            return (null,
                $"not compared: they are evaluated by different metrics, {ownHeadline.Metric} in {ownHeadline.Unit} "
                + $"and {firstHeadline.Metric} in {firstHeadline.Unit}");
        }
        if (own.Scores is null || first.Scores is null)
            return (null,
                $"not compared: {own.Report.Headline.Metric} is not stored per item; evaluating the run again "
                + "stores it if it is a mean over items");
        if (own.Scores.Content != first.Scores.Content || own.Scores.Sums.Count != first.Scores.Sums.Count)
            return (null,
                $"not compared: they were evaluated on different data, {own.Scores.Data} and {first.Scores.Data}, "
                + "or on different parts of it");
        (JudgedScores scores, JudgedScores firstScores) = (own.Scores, first.Scores);
        if (scores is { HeldOut: true, Bleu: { } bleu } && firstScores is { HeldOut: true, Bleu: { } firstBleu }
            && bleu.Count == firstBleu.Count)
        {
            PairedBootstrap paired = new Bleu().Compare([.. bleu.Select(BleuStatistics.From)],
                [.. firstBleu.Select(BleuStatistics.From)], Samples, Seed);
            return (Comparison.Paired(paired, bleu.Count, scores.Headline), null);
        }
        if (scores.HeldOut && firstScores.HeldOut)
            return (Comparison.Paired(scores.Pieces, firstScores.Pieces, scores.Headline, Samples, Seed), null);
        return own.Report.Metrics.TryGetValue("bic", out Metric? bic)
            && first.Report.Metrics.TryGetValue("bic", out Metric? firstBic)
            ? (Comparison.ByBic(bic.Value, firstBic.Value), null)
            : (null, "not compared: no data was held out");
    }
}
