using System.Globalization;
using Atelier.Data.Text;
using Atelier.Evaluation;
using Atelier.Evaluation.Plots;
using Atelier.Runs;

namespace Atelier.Compress;

/// <summary>
/// Searches for the compression with the least loss of quality within a budget: all ways are compared on a few
/// passages, and then the best ones that fit on all held-out text, until the loss of one is within its bound.
/// </summary>
/// <param name="compression">Writes and compares bundles.</param>
/// <param name="options">The budget and the bound.</param>
/// <param name="folder">A temporary folder.</param>
/// <param name="progress">Receives a message for each way.</param>
internal sealed class CompressionSearch(BundleCompression compression, CompressionSearchOptions options, string folder,
    IProgress<string>? progress)
{
    private const int MostEvaluations = 3; // on all held-out text
    private static readonly string[] Types = ["q8", "q4", "q3", "q2"];

    private readonly double _budget = Share(options.Budget, "budget");
    private readonly double _mostLoss = options.MostLoss is null ? double.PositiveInfinity
        : Share(options.MostLoss, "mostLoss");
    private readonly List<(CompressionTrial Trial, CompressionPlan Plan, Bundle Bundle)> _trials = [];

    /// <summary>Throws if an option is invalid.</summary>
    public static void Check(CompressionSearchOptions options)
    {
        Share(options.Budget, "budget");
        if (options.MostLoss is not null)
            Share(options.MostLoss, "mostLoss");
    }

    /// <summary>Tries all types of weights on a bundle.</summary>
    /// <param name="now">The original, or a pruned copy.</param>
    /// <param name="prune">How much was pruned; null for nothing.</param>
    /// <param name="moments">The inputs of its layers; null if they are not calibrated.</param>
    /// <param name="few">The text to compare a few passages of.</param>
    public void Try(Bundle now, string? prune, InputMoments? moments, TokenFile few)
    {
        foreach (string type in Types)
        {
            if (prune?.StartsWith(CompressionOptions.Channels, StringComparison.Ordinal) == false && type == "q2")
                continue; // which has no zero
            var plan = CompressionPlan.Of(new CompressionOptions
            {
                Type = type, Prune = prune,
                Calibration = moments is null && prune is null ? CompressionOptions.NoCalibration : null,
            });
            if (compression.FindSmaller(plan) is not null)
                continue;
            Bundle tried = compression.Quantise(Path.Combine(folder, plan.FolderName), now, plan, moments);
            var trial = new CompressionTrial(plan.Name, BundleCompression.WeightBytes(tried.Folder),
                compression.QuickLoss(tried, few));
            progress?.Report(Line(trial));
            _trials.Add((trial, plan, tried));
        }
    }

    /// <summary>Keeps the best of all that was tried.</summary>
    /// <param name="target">The folder to write the bundle to.</param>
    /// <param name="data">The held-out text.</param>
    /// <exception cref="AtelierException">Nothing that was tried is within the budget and the bound.</exception>
    public CompressionSearchReport Keep(string target, TextData data)
    {
        double whole = compression.SourceBytes;
        foreach (int index in _trials.Index().Where(each => each.Item.Trial.Bytes <= _budget * whole)
            .OrderBy(each => each.Item.Trial.QuickLoss).Take(MostEvaluations).Select(each => each.Index).ToArray())
        {
            (CompressionTrial trial, CompressionPlan plan, Bundle bundle) = _trials[index];
            CompressionReport report = compression.Compare(target, bundle, plan, data);
            (double loss, double most) = report.LostShare;
            _trials[index] = (trial with { Loss = loss, MostLoss = most }, plan, bundle);
            if (most > _mostLoss)
                continue;
            CompressionTrial[] all = [.. _trials.Select(each => each.Trial)];
            compression.Keep(target, bundle, report);
            string plot = $"{Path.TrimEndingDirectorySeparator(report.Bundle)}.png";
            Plot(plot, all);
            return new CompressionSearchReport(report, all, plot);
        }
        throw NotMet(whole);
    }

    private AtelierException NotMet(double whole)
    {
        // the best that fits; if nothing does, the smallest
        CompressionTrial[] all = [.. _trials.Select(each => each.Trial).OrderBy(trial => trial.Bytes)];
        CompressionTrial[] fitting = [.. all.Where(trial => trial.Bytes <= _budget * whole)];
        CompressionTrial nearest = fitting.MinBy(trial => trial.MostLoss ?? double.PositiveInfinity) ?? all[0];
        string bound = options.MostLoss is null ? "" : $" and loses at most {options.MostLoss}";
        return new AtelierException(
            $"nothing that was tried fits into {options.Budget} of the size{bound}; the nearest is {Line(nearest)}",
            Mention.Field("budget"), fitting.Length == 0 || bound.Length == 0 ? "raise it"
                : $"raise it, or {Mention.Field("mostLoss")}");
    }

    private string Line(CompressionTrial trial)
    {
        string most = trial.MostLoss is { } bound
            ? FormattableString.Invariant($" (at most {100 * bound:0.00} %)") : "";
        double size = trial.Bytes / (double)compression.SourceBytes, loss = trial.Loss ?? trial.QuickLoss;
        return FormattableString.Invariant(
            $"{trial.Name}: {100 * size:0.0} % of the size, {100 * loss:+0.00;-0.00;0.00} % loss{most}");
    }

    private static void Plot(string path, CompressionTrial[] trials) => CurvePlot.Save(path,
    [
        .. trials.GroupBy(trial => trial.Name[..^2].TrimEnd('-')).Select(group =>
            (group.Key.Length == 0 ? "all weights" : group.Key, (IReadOnlyList<(double, Metric)>)
                [.. group.OrderBy(trial => trial.Bytes).Select(trial => ((double)trial.Bytes, Percent(trial)))])),
    ], "weights on disk (MB)", bytes => (bytes / 1e6).ToString("0.00", CultureInfo.InvariantCulture),
        new Headline("loss of quality in %", "%", MoreIsBetter: false), legend: null);

    private static Metric Percent(CompressionTrial trial)
    {
        double loss = trial.Loss ?? trial.QuickLoss, half = trial.MostLoss - trial.Loss ?? 0;
        return new Metric(100 * loss, 100 * (loss - half), 100 * (loss + half), "%");
    }

    private static double Share(string text, string field) => CompressionPlan.TryShare(text) is { } share
        ? share
        : throw new AtelierException($"'{text}' is not a share", Mention.Field(field), "write 25%");
}
