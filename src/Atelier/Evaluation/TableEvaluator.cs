using System.Globalization;
using Atelier.Data.Tables;
using Atelier.Decoding;
using Atelier.Kinds;
using Atelier.Models;
using Atelier.Models.Independent;

namespace Atelier.Evaluation;

/// <summary>Judges models of table rows: the log-likelihood of rows beside that of independent columns.</summary>
internal static class TableEvaluator
{
    private const int ShownSamples = 5;

    /// <summary>The report.</summary>
    /// <exception cref="AtelierException">The model does not know the table's columns.</exception>
    public static EvaluationReport Evaluate(
        IRowModel model, TableData data, Judging judging, IProgress<string>? progress, CancellationToken cancellation)
    {
        if (!model.Schema.Names.SequenceEqual(data.Schema.Names))
            throw new AtelierException("the model knows other columns than the data has", judging.Run, "judge it on a table of its own columns");
        (TableRows rows, string part) = data switch
        {
            { Test.Count: > 0 } => (data.Test, "test part"),
            { Validation.Count: > 0 } => (data.Validation, "validation part"),
            _ => (data.Train, "all rows"),
        };
        bool held = rows != data.Train;
        Dictionary<string, Metric> Figures(IRowModel judged, string name)
        {
            progress?.Report($"scoring rows with {name}");
            MeanScore[] scores = [.. judged.LogLikelihoods(rows, cancellation).Select(nats => new MeanScore(nats, 1))];
            Metric perRow = MeanScore.Mean(scores, judging.Options, judging.Seed, "nats");
            // Schwarz 1978, with the sign of bnlearn: the log-likelihood less half of k ln N, of the rows learned from.
            double learned = held ? judged.LogLikelihoods(data.Train, cancellation).Sum() : perRow.Value * rows.Count;
            double bic = learned - (judged.FreeParameters / 2.0 * Math.Log(data.Train.Count));
            return new()
            {
                ["logLikelihoodPerRow"] = perRow,
                ["logLikelihood"] = new(perRow.Value * rows.Count, perRow.Low * rows.Count, perRow.High * rows.Count, "nats"),
                ["bic"] = new(bic, bic, bic, "nats, training rows"),
                ["freeParameters"] = new(judged.FreeParameters, judged.FreeParameters, judged.FreeParameters, "numbers"),
            };
        }
        using IndependentModel independent = IndependentModel.Count(data.Train);
        var report = new EvaluationReport
        {
            Run = judging.Run,
            Data = $"{data.Facts.Source}, {part}",
            Headline = new("logLikelihoodPerRow", "nats per row", MoreIsBetter: true, held ? "held-out" : "on the rows it learned from"),
            Metrics = Figures(model, "the model"),
            Baselines = new Dictionary<string, IReadOnlyDictionary<string, Metric>> { ["independent"] = Figures(independent, "independent columns") },
            Samples = judging.Options.Samples == 0 ? [] : [.. model.GenerateAsync(new GenerationRequest { Count = Math.Min(ShownSamples, judging.Options.Samples), Seed = judging.Seed }, cancellation)
                .ToBlockingEnumerable(cancellation).Select(sample => sample.Shown)],
            Picture = judging.Picture is null ? null : Path.GetFileName(judging.Picture),
            Notes =
            [
                string.Create(CultureInfo.InvariantCulture, $"{rows.Count} rows of {data.Schema.Columns.Count} columns; 95 % intervals by bootstrap over rows."),
                string.Create(CultureInfo.InvariantCulture, $"bic is the log-likelihood of the {data.Train.Count} training rows less half the free parameters times ln {data.Train.Count}."),
                .. part == "validation part" ? ["The validation part served, which training may have looked at: there is no test part."] : Array.Empty<string>(),
                .. held ? Array.Empty<string>() : ["Nothing was held out: the figures are those of the rows it learned from."],
            ],
        };
        if (judging.Picture is not null)
            EvaluationPlot.Save(judging.Picture, report);
        return report;
    }
}
