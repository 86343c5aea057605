using System.Globalization;
using Atelier.Abstractions;
using Atelier.Data.Series;
using Atelier.Data.Text;
using Atelier.Evaluation;

namespace Atelier.Tasks.Series;

/// <summary>
/// Evaluates models of series by the log-likelihood of rows. The baseline treats all rows as independent.
/// </summary>
internal static class SeriesEvaluator
{
    private const int FewSeries = 30; // fewer series are cut into stretches, so that the bootstrap has enough items
    private const int MostTimes = 100, MostStretches = 50, FewestStretches = 20;
    private const int ShownSamples = 2;

    /// <summary>
    /// Evaluates a model on the test part of the data; on the validation part if there is no test part, and on the
    /// training part if nothing is held out.
    /// </summary>
    /// <exception cref="AtelierException">The columns of the model and of the data differ.</exception>
    public static EvaluationReport Evaluate(ISeriesModel model, SeriesData data, EvaluationContext context,
        IProgress<string>? progress, CancellationToken cancellation)
    {
        if (!model.Columns.SequenceEqual(data.Columns))
            throw new AtelierException("the model was trained on other columns than those of the data", context.Run,
                "evaluate it on series with the same columns");
        (IReadOnlyList<double[]> series, Part part) = data switch
        {
            { Test.Count: > 0 } when !context.OnValidation => (data.Test, Part.Test),
            { Validation.Count: > 0 } => (data.Validation, Part.Validation),
            _ => (data.Train, Part.Train),
        };
        int width = data.Columns.Count;
        JudgedOn on = JudgedOn.Of(data.Facts.Source, part, context.Other, "rows", () => Repeated(series, data.Train),
            mostRepeated: 0.5);
        // If a single series was cut into parts, the evaluated part continues the series of the training part.
        bool continues = context.Other is null && part != Part.Train && data.Train.Count == 1 && series.Count == 1;
        double[] before = continues
            ? [.. data.Train[0], .. part == Part.Test ? data.Validation.SelectMany(s => s) : []]
            : [];
        Stretch[] stretches = [.. Stretches(series, width)];
        IReadOnlyList<double[]> bicSeries = context.Other is null ? data.Train : series;
        double bicRows = bicSeries.Sum(s => (double)s.Length) / width;

        JudgedModel Judge(IReadOnlyList<MeanScore> scores, double logLikelihood, long parameters)
        {
            double bic = logLikelihood - (parameters / 2.0 * Math.Log(bicRows));
            return new(scores, new Dictionary<string, Metric>
            {
                ["logLikelihoodPerRow"] = MeanScore.Mean(scores, context.Options, context.Seed, "nats"),
                ["bic"] = Metric.Exact(bic, context.Other is null ? "nats, training rows" : "nats, judged rows"),
                ["freeParameters"] = Metric.Exact(parameters, Metric.Numbers),
            });
        }

        progress?.Report("scoring series with the model");
        JudgedModel own = Judge(Scores(series, stretches, width, model, before, cancellation),
            model.LogLikelihoods(bicSeries, cancellation).Sum(), model.FreeParameters);
        (string unit, string metrics, string distribution) = model.Values switch
        {
            SeriesValues.Numbers => ("nats per row", "log-densities", "normal"),
            SeriesValues.Counts => ("nats per row of counts", "log-probabilities of counts", "Poisson"),
            _ => ("nats per row of categories", "log-probabilities of categories", "categorical"),
        };
        var headline = new Headline("logLikelihoodPerRow", unit, MoreIsBetter: true, on.Lead);
        var judgement = new Judgement(context, on, headline, own);
        IndependentSeries? independent =
            IndependentSeries.Fit(data.Train, data.Columns, model.Values, out string? refusal);
        if (independent is not null)
        {
            MeanScore[] scores =
                [.. stretches.Select(s => new MeanScore(independent.LogLikelihood(s.Of(series, width)), s.Rows))];
            judgement.Compare("independent",
                Judge(scores, bicSeries.Sum(s => independent.LogLikelihood(s)), independent.FreeParameters));
        }
        string resampled = stretches.Length == series.Count ? "series"
            : $"stretches of {Quantity.Of(stretches[0].Rows, "row")}";
        int samples = Math.Min(ShownSamples, context.Options.Samples);
        return judgement.Report(Fingerprint(series, data.Columns),
            samples == 0 ? [] : [new("Samples") { Samples = [.. Sample(context, samples, cancellation)] }],
            [
                string.Create(CultureInfo.InvariantCulture,
                    $"{Quantity.Of(series.Sum(s => s.Length / width), "row")} of {series.Count} series; 95 % "
                    + $"intervals by bootstrap over {resampled}."),
                $"The metrics are {metrics}.",
                .. independent is null ? Array.Empty<string>()
                    : [$"independent draws every row by itself, each column from one {distribution} distribution."],
                .. refusal is null ? Array.Empty<string>() : [refusal],
                .. on.Notes,
            ]);
    }

    private static IEnumerable<string> Sample(EvaluationContext context, int count, CancellationToken cancellation)
    {
        var request = new GenerationRequest
        {
            Count = count,
            Seed = context.Seed,
            Decoding = new DecodingOptions { MaxTokens = 10 },
        };
        return context.Model.Require<IGenerator>().GenerateAsync(request, cancellation)
            .ToBlockingEnumerable(cancellation).Select(sample => sample.Shown);
    }

    /// <summary>Returns the items of the bootstrap: whole series, or stretches of them if there are few.</summary>
    private static IEnumerable<Stretch> Stretches(IReadOnlyList<double[]> series, int width)
    {
        int times = series.Sum(s => s.Length / width);
        int rows = series.Count >= FewSeries ? int.MaxValue
            : Math.Max(Math.Clamp(times / FewestStretches, 1, MostTimes), times / MostStretches);
        for (int i = 0; i < series.Count; i++)
        {
            int length = series[i].Length / width;
            for (int from = 0; from < length; from += Math.Min(rows, length))
                yield return new Stretch(i, from, Math.Min(rows, length - from));
        }
    }

    /// <summary>Scores each stretch: the log-likelihood of its rows given all earlier rows of its series.</summary>
    private static List<MeanScore> Scores(IReadOnlyList<double[]> series, Stretch[] stretches, int width,
        ISeriesModel model, double[] before, CancellationToken cancellation)
    {
        double[] Prefix(Stretch s) => [.. before, .. series[s.Series].AsSpan(0, (s.From + s.Rows) * width)];
        double[] logs = model.LogLikelihoods([before, .. stretches.Select(Prefix)], cancellation);
        double logBefore = before.Length > 0 ? logs[0] : 0;
        double Log(Stretch s, int i) => logs[i + 1] - (s.From == 0 ? logBefore : logs[i]);
        return [.. stretches.Select((s, i) => new MeanScore(Log(s, i), s.Rows))];
    }

    private static string Fingerprint(IReadOnlyList<double[]> series, IReadOnlyList<string> columns)
    {
        using var hash = new DataFingerprint();
        foreach (string column in columns)
            hash.Add(column);
        foreach (double[] one in series)
            hash.Add<int>([one.Length]).Add<double>(one);
        return hash.TakeText();
    }

    /// <summary>Returns the share of series that are a beginning of a training series, or begin with one.</summary>
    private static double Repeated(IReadOnlyList<double[]> series, IReadOnlyList<double[]> training)
    {
        static bool Agree(double[] a, double[] b) => a.AsSpan().StartsWith(b) || b.AsSpan().StartsWith(a);
        return series.Count(one => training.Any(other => Agree(one, other))) / (double)series.Count;
    }

    /// <summary>Rows of a series that are scored together.</summary>
    private readonly record struct Stretch(int Series, int From, int Rows)
    {
        public ReadOnlySpan<double> Of(IReadOnlyList<double[]> series, int width) =>
            series[Series].AsSpan(From * width, Rows * width);
    }
}
