using System.Globalization;
using Atelier.Abstractions;
using Atelier.Data.Tables;
using Atelier.Data.Text;
using Atelier.Evaluation;

namespace Atelier.Tasks.Tables;

/// <summary>Evaluates models of tables by the log-likelihood of rows, compared with baselines.</summary>
internal static class TableEvaluator
{
    private const int ShownSamples = 5;

    /// <summary>
    /// Evaluates a model on the test part of the data; on the validation part if there is no test part, and on the
    /// training part if nothing is held out.
    /// </summary>
    /// <exception cref="AtelierException">The columns of the model and of the data differ.</exception>
    public static EvaluationReport Evaluate(IRowModel model, TableData data, EvaluationContext context,
        IProgress<string>? progress, CancellationToken cancellation)
    {
        if (!model.Schema.Names.SequenceEqual(data.Schema.Names))
            throw new AtelierException("the model was trained on other columns than those of the data", context.Run,
                "evaluate it on a table with the same columns");
        (TableRows rows, Part part) = data switch
        {
            { Test.Count: > 0 } when !context.OnValidation => (data.Test, Part.Test),
            { Validation.Count: > 0 } => (data.Validation, Part.Validation),
            _ => (data.Train, Part.Train),
        };
        // Rows with few levels are often equal by chance, so only a table of exactly the same rows counts as training
        // data.
        double Repeated() => rows.Count == data.Train.Count ? JudgedOn.ShareIn(Hashes(rows), Hashes(data.Train)) : 0;
        JudgedOn on = JudgedOn.Of(data.Facts.Source, part, context.Other, "rows", Repeated, mostRepeated: 1);
        TableRows bicRows = context.Other is null ? data.Train : rows;
        JudgedModel Judge(IRowModel judged, string name)
        {
            progress?.Report($"scoring rows with {name}");
            MeanScore[] scores = [.. judged.LogLikelihoods(rows, cancellation).Select(nats => new MeanScore(nats, 1))];
            Metric perRow = MeanScore.Mean(scores, context.Options, context.Seed, "nats");
            // Schwarz 1978, with the sign of bnlearn: log L − (k / 2) ln N.
            double logLikelihood = bicRows == rows ? scores.Sum(score => score.Sum)
                : judged.LogLikelihoods(bicRows, cancellation).Sum();
            double bic = logLikelihood - (judged.FreeParameters / 2.0 * Math.Log(bicRows.Count));
            return new(scores, new Dictionary<string, Metric>
            {
                ["logLikelihoodPerRow"] = perRow,
                ["logLikelihood"] =
                    new(perRow.Value * rows.Count, perRow.Low * rows.Count, perRow.High * rows.Count, "nats"),
                ["bic"] = Metric.Exact(bic, bicRows == data.Train ? "nats, training rows" : "nats, judged rows"),
                ["freeParameters"] = Metric.Exact(judged.FreeParameters, Metric.Numbers),
            });
        }
        JudgedModel own = Judge(model, "the model");
        var headline = new Headline("logLikelihoodPerRow", "nats per row", MoreIsBetter: true, on.Lead);
        var judgement = new Judgement(context, on, headline, own);
        ITableBaseline[] families = [.. context.Families.OfType<ITableBaseline>()];
        ITableBaseline[] others = [.. families.Where(family => !family.IsBaseline(model))];
        foreach (ITableBaseline family in data.Train.Count > 0 ? others : [])
        {
            using ITrainedModel fitted = family.FitBaseline(data.Train);
            judgement.Compare(family.BaselineName,
                Judge(fitted.Require<IRowModel>(), $"the baseline {family.BaselineName}"));
        }
        int samples = Math.Min(ShownSamples, context.Options.Samples);
        return judgement.Report(Fingerprint(rows),
            samples == 0 ? [] : [new("Samples") { Samples = [.. Sample(context, samples, cancellation)] }],
            [
                $"{Quantity.Of(rows.Count, "row")} of {Quantity.Of(data.Schema.Columns.Count, "column")}; 95 % "
                    + "intervals by bootstrap over rows.",
                string.Create(CultureInfo.InvariantCulture,
                    $"bic is the log-likelihood of the {bicRows.Count:#,0} "
                        + $"{(context.Other is null ? "training" : "judged")} rows minus half the number of free "
                        + $"parameters times ln {bicRows.Count:#,0}."),
                .. on.Notes,
                .. families.Except(others)
                    .Select(family => $"The baseline {family.BaselineName} is omitted: it is the model itself."),
            ]);
    }

    private static IEnumerable<string> Sample(EvaluationContext context, int count, CancellationToken cancellation)
    {
        var request = new GenerationRequest { Count = count, Seed = context.Seed };
        return context.Model.Require<IGenerator>().GenerateAsync(request, cancellation)
            .ToBlockingEnumerable(cancellation).Select(sample => sample.Shown);
    }

    private static string Fingerprint(TableRows rows)
    {
        using var hash = new DataFingerprint();
        for (int column = 0; column < rows.Schema.Columns.Count; column++)
        {
            ColumnSchema schema = rows.Schema.Columns[column];
            hash.Add(schema.Name);
            foreach (string level in schema.Levels)
                hash.Add(level);
            if (schema.IsNumeric)
                hash.Add(rows.Numbers(column));
            else
                hash.Add(rows.Codes(column));
        }
        return hash.TakeText();
    }

    private static IEnumerable<ulong> Hashes(TableRows rows)
    {
        using var hash = new DataFingerprint();
        for (int row = 0; row < rows.Count; row++)
        {
            for (int column = 0; column < rows.Schema.Columns.Count; column++)
            {
                if (rows.Schema.Columns[column].IsNumeric)
                    hash.Add(rows.Numbers(column).Slice(row, 1));
                else
                    hash.Add(rows.Codes(column).Slice(row, 1));
            }
            yield return hash.Take();
        }
    }
}
