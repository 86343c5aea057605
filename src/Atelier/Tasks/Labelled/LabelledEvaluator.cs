using Atelier.Abstractions;
using Atelier.Data.Labelled;
using Atelier.Data.Text;
using Atelier.Evaluation;

namespace Atelier.Tasks.Labelled;

/// <summary>
/// Evaluates text classifiers by accuracy, macro-averaged F1 and cross-entropy. The baselines are the most frequent
/// label and a naive Bayes classifier of words.
/// </summary>
internal static class LabelledEvaluator
{
    private const int ShownSamples = 5, TextsAtOnce = 1024;

    /// <summary>
    /// Evaluates a classifier on the test part of the data; on the validation part if there is no test part, and on the
    /// training part if nothing is held out.
    /// </summary>
    /// <exception cref="AtelierException">The model knows none of the labels.</exception>
    public static EvaluationReport Evaluate(ITextClassifier classifier, LabelledData data, EvaluationContext context,
        IProgress<string>? progress, CancellationToken cancellation)
    {
        (IReadOnlyList<LabelledText> texts, Part part) = data switch
        {
            { Test.Count: > 0 } when !context.OnValidation => (data.Test, Part.Test),
            { Validation.Count: > 0 } => (data.Validation, Part.Validation),
            _ => (data.Train, Part.Train),
        };
        JudgedOn on = JudgedOn.Of(data.Facts.Source, part, context.Other, "texts",
            () => JudgedOn.ShareIn(Hashes(texts), Hashes(data.Train)), mostRepeated: 0.5);
        int known = classifier.Labels.Count;
        // labels of the data alone have no probability, and are further rows of the confusion matrix
        string[] labels = [.. classifier.Labels, .. texts.Concat(data.Train).Select(text => text.Label)
            .Except(classifier.Labels).Order(StringComparer.Ordinal)];
        var numbers = labels.Index().ToDictionary(label => label.Item, label => label.Index);
        int[] truth = [.. texts.Select(text => numbers[text.Label])];
        int unknown = truth.Count(label => label >= known);
        string strange = $"{Quantity.Of(unknown, "text")} of {texts.Count} have labels that the model does not know: "
            + string.Join(", ", truth.Where(label => label >= known).Distinct().Take(ShownSamples)
                .Select(i => labels[i]));
        if (unknown == texts.Count)
            throw new AtelierException(strange, data.Facts.Source,
                $"its labels are {RequestOption.Names(classifier.Labels)}; data.label names their column");
        progress?.Report($"classifying {Quantity.Of(texts.Count, "text")}");
        float[][] probabilities = [.. texts.Chunk(TextsAtOnce).SelectMany(some =>
            classifier.Classify([.. some.Select(text => text.Text)], cancellation))];
        ClassPredictions predictions =
            new(labels, truth, [.. probabilities.Select(row => Array.IndexOf(row, row.Max()))]);
        JudgedModel own = Judge(predictions, i => Math.Log(probabilities[i][truth[i]]));

        var headline = new Headline("accuracy", "of texts right", MoreIsBetter: true, on.Lead);
        var baselines = new Dictionary<string, IReadOnlyDictionary<string, Metric>>();
        var comparisons = new Dictionary<string, Comparison>();
        if (data.Train.Count > 0)
        {
            double[] shares = [.. labels.Select(label =>
                (data.Train.Count(text => text.Label == label) + 1.0) / (data.Train.Count + labels.Length))];
            int most = Array.IndexOf(shares, shares.Max());
            Add("majorityLabel", Judge(new(labels, truth, [.. truth.Select(_ => most)]),
                i => Math.Log(shares[truth[i]])));
            var bayes = new NaiveBayes(data.Train, labels);
            double[][] logs = [.. texts.Select(text => bayes.LogProbabilities(text.Text))];
            Add("naiveBayes", Judge(new(labels, truth, [.. logs.Select(row => Array.IndexOf(row, row.Max()))]),
                i => logs[i][truth[i]]));
        }
        IEnumerable<string> samples = texts.Take(Math.Min(ShownSamples, context.Options.Samples)).Select((text, i) =>
            Sample(classifier, text.Text, probabilities[i]).Shown + $" (true label: {text.Label})");
        var report = new EvaluationReport
        {
            Run = context.Run,
            Data = on.Data,
            Headline = headline,
            Metrics = own.Figures,
            Baselines = baselines,
            Comparisons = comparisons,
            Scores = JudgedScores.Of(on, Fingerprint(texts), headline, own.Scores),
            Sections =
            [
                new("Confusion matrix") { Samples = [predictions.Table()] },
                .. context.Options.Samples == 0 ? Array.Empty<ReportSection>()
                    : [new("Classified texts") { Samples = [.. samples] }],
            ],
            Picture = context.Picture is null ? null : Path.GetFileName(context.Picture),
            Notes =
            [
                $"{Quantity.Of(texts.Count, "text")}; 95 % intervals by bootstrap over texts.",
                "majorityLabel predicts the most frequent label of the training texts, naiveBayes multiplies the "
                    + "probabilities of words and pairs of words.",
                .. unknown > 0 ? [$"{strange}. They count as wrong."] : Array.Empty<string>(),
                .. on.Notes,
            ],
        };
        if (context.Picture is not null)
            EvaluationPlot.Save(context.Picture, report);
        return report;

        JudgedModel Judge(ClassPredictions of, Func<int, double> logProbability)
        {
            MeanScore[] correct = of.Correct;
            MeanScore[] nats = [.. truth.Select((label, i) =>
                label < known ? new MeanScore(-logProbability(i), 1) : default)];
            return new(correct, new Dictionary<string, Metric>
            {
                ["accuracy"] = MeanScore.Mean(correct, context.Options, context.Seed, "share of texts"),
                ["macroF1"] = of.MacroF1(context.Options, context.Seed),
                ["crossEntropy"] = MeanScore.Mean(nats, context.Options, context.Seed, "nats/text"),
            });
        }

        void Add(string name, JudgedModel baseline)
        {
            baselines[name] = baseline.Figures;
            comparisons[name] = on.Compare(headline, own, baseline, context.Options, context.Seed);
        }
    }

    /// <summary>Returns a text with its most probable label.</summary>
    public static LabelledSample Sample(ITextClassifier classifier, string text, float[] probabilities)
    {
        int best = Array.IndexOf(probabilities, probabilities.Max());
        return new LabelledSample(text, classifier.Labels[best],
            [.. classifier.Labels.Zip(probabilities, (label, p) => (label, (double)p))])
        {
            LogProbability = Math.Log(probabilities[best]),
        };
    }

    private static string Fingerprint(IEnumerable<LabelledText> texts)
    {
        using var hash = new DataFingerprint();
        foreach (LabelledText text in texts)
            hash.Add(text.Text).Add(text.Label);
        return hash.TakeText();
    }

    private static IEnumerable<ulong> Hashes(IEnumerable<LabelledText> texts)
    {
        using var hash = new DataFingerprint();
        foreach (LabelledText text in texts)
        {
            hash.Add(text.Text).Add(text.Label);
            yield return hash.Take();
        }
    }
}
