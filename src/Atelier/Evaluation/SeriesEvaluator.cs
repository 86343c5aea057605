using System.Globalization;
using Atelier.Data.Series;
using Atelier.Decoding;
using Atelier.Kinds;
using Atelier.Models;

namespace Atelier.Evaluation;

/// <summary>Judges models of series: the log-likelihood of rows beside that of independent normal rows.</summary>
internal static class SeriesEvaluator
{
    private const int BlockTimes = 100; // of long series, so that there is something to resample
    private const int MostBlocks = 50;
    private const int ShownSamples = 2;

    /// <summary>The report.</summary>
    /// <exception cref="AtelierException">The model does not know the columns.</exception>
    public static EvaluationReport Evaluate(ISeriesModel model, SeriesData data, Judging judging, IProgress<string>? progress, CancellationToken cancellation)
    {
        if (!model.Columns.SequenceEqual(data.Columns))
            throw new AtelierException("the model knows other columns than the data has", judging.Run, "judge it on series of its own columns");
        (IReadOnlyList<double[]> series, string part) = data switch
        {
            { Test.Count: > 0 } => (data.Test, "test part"),
            { Validation.Count: > 0 } => (data.Validation, "validation part"),
            _ => (data.Train, "all rows"),
        };
        int width = data.Columns.Count;
        double trainRows = data.Train.Sum(s => (double)s.Length) / width;
        progress?.Report("scoring series with the model");
        double bic = model.LogLikelihoods(data.Train, cancellation).Sum() - (model.FreeParameters / 2.0 * Math.Log(trainRows));
        var metrics = new Dictionary<string, Metric>
        {
            ["logLikelihoodPerRow"] = Mean(Blocks(series, width, model, series == data.Train || data.Train.Count > 1 ? [] : [.. data.Train[0], .. part == "test part" ? data.Validation.SelectMany(s => s) : []])),
            ["bic"] = new(bic, bic, bic, "nats, training rows"),
            ["freeParameters"] = new(model.FreeParameters, model.FreeParameters, model.FreeParameters, "numbers"),
        };
        Func<double[], double> normal = Normal(data.Train, width);
        var baseline = new Dictionary<string, Metric>
        {
            ["logLikelihoodPerRow"] = Mean([.. series.SelectMany(s => s.Chunk(BlockTimes * width)).Select(block => new MeanScore(normal(block), block.Length / (double)width))]),
        };
        var report = new EvaluationReport
        {
            Run = judging.Run,
            Data = $"{data.Facts.Source}, {part}",
            Headline = new("logLikelihoodPerRow", "nats per row", MoreIsBetter: true, series == data.Train ? "on the rows it learned from" : "held-out"),
            Metrics = metrics,
            Baselines = new Dictionary<string, IReadOnlyDictionary<string, Metric>> { ["independent"] = baseline },
            Samples = judging.Options.Samples == 0 ? [] : [.. model.GenerateAsync(new GenerationRequest
                {
                    Count = Math.Min(ShownSamples, judging.Options.Samples), Seed = judging.Seed, Decoding = new DecodingOptions { MaxTokens = 10 },
                }, cancellation).ToBlockingEnumerable(cancellation).Select(sample => sample.Shown)],
            Picture = judging.Picture is null ? null : Path.GetFileName(judging.Picture),
            Notes =
            [
                string.Create(CultureInfo.InvariantCulture, $"{series.Sum(s => s.Length / width)} rows of {series.Count} series; 95 % intervals by bootstrap over series, or over stretches of {BlockTimes} rows of a single one."),
                "independent draws every row by itself, each column from one normal distribution.",
            ],
        };
        if (judging.Picture is not null)
            EvaluationPlot.Save(judging.Picture, report);
        return report;

        Metric Mean(IReadOnlyList<MeanScore> scores) => MeanScore.Mean(scores, judging.Options, judging.Seed, "nats");
    }

    /// <summary>Series by themselves; of a single one, stretches by what each adds to the log-likelihood of all before it, the part that was learned from included.</summary>
    private static List<MeanScore> Blocks(IReadOnlyList<double[]> series, int width, ISeriesModel model, double[] before)
    {
        if (series.Count > 1)
            return [.. model.LogLikelihoods(series).Select((log, i) => new MeanScore(log, series[i].Length / (double)width))];
        double[] only = series[0];
        int times = only.Length / width, block = Math.Max(BlockTimes, times / MostBlocks);
        int[] ends = [.. Enumerable.Range(1, (times + block - 1) / block).Select(i => Math.Min(times, i * block))];
        double[] logs = model.LogLikelihoods([before, .. ends.Select(end => (double[])[.. before, .. only[..(end * width)]])]);
        return [.. ends.Select((end, i) => new MeanScore(logs[i + 1] - logs[i], end - (i == 0 ? 0 : ends[i - 1])))];
    }

    private static Func<double[], double> Normal(IReadOnlyList<double[]> training, int width)
    {
        double[] all = [.. training.SelectMany(s => s)];
        (double Mean, double Deviation)[] columns = [.. Enumerable.Range(0, width).Select(d =>
        {
            double[] values = [.. all.Where((_, i) => i % width == d)];
            double mean = values.Average();
            return (mean, Math.Max(Math.Sqrt(values.Average(v => (v - mean) * (v - mean))), 1e-6));
        })];
        return block => block.Select((value, i) => (Z: (value - columns[i % width].Mean) / columns[i % width].Deviation, columns[i % width].Deviation))
            .Sum(x => (-0.5 * x.Z * x.Z) - Math.Log(x.Deviation) - (0.5 * Math.Log(Math.Tau)));
    }
}
