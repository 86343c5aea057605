using System.Globalization;
using Atelier.Abstractions;
using Atelier.Data.Pairs;
using Atelier.Data.Text;
using Atelier.Data.Worlds;
using Atelier.Evaluation;
using Atelier.Evaluation.Text;
using Atelier.Generation;

namespace Atelier.Tasks.Pairs;

/// <summary>
/// Evaluates models from text to text: their targets compared with the reference targets, by BLEU, chrF, ROUGE and
/// exact match, and the cross-entropy of the references. The baselines are the source itself and the target of the
/// nearest training pair.
/// </summary>
internal static class PairEvaluator
{
    private const int SourcesAtOnce = 64;

    /// <summary>
    /// Evaluates a model on the test part of the data; on the validation part if there is no test part, and on the
    /// training part if nothing is held out.
    /// </summary>
    /// <param name="generator">The model with its tokenizers and its default decoding options.</param>
    /// <param name="data">The data, prepared with the same tokenizers.</param>
    /// <param name="context">The options and the baselines.</param>
    /// <param name="progress">Receives a one-line message at each stage.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">An option is invalid.</exception>
    public static async Task<EvaluationReport> EvaluateAsync(SequenceToSequenceGenerator generator, PairData data,
        EvaluationContext context, IProgress<string>? progress, CancellationToken cancellation)
    {
        (PairFile file, Part part) = data switch
        {
            { Test.Count: > 0 } when !context.OnValidation => (data.Test, Part.Test),
            { Validation.Count: > 0 } => (data.Validation, Part.Validation),
            _ => (data.Train, Part.Train),
        };
        TextPair[] pairs = [.. Enumerable.Range(0, file.Count).Select(i => file[i])];
        JudgedOn on = JudgedOn.Of(data.Facts.Source, part, context.Other, "pairs",
            () => JudgedOn.ShareIn(Hashes(pairs), Hashes(Enumerable.Range(0, data.Train.Count)
                .Select(i => data.Train[i]))), mostRepeated: 0.5);
        var judge = new ReferenceJudge(pairs, context.Options, context.Seed, cancellation);
        IReadOnlyList<TextSample> samples = await generator.GenerateManyAsync([.. pairs.Select(pair => pair.Source)],
            new GenerationRequest { Seed = context.Seed }, SourcesAtOnce,
            new Progress(count => progress?.Report($"writing targets: {count} of {pairs.Length}")), cancellation)
            .ConfigureAwait(false);
        progress?.Report("scoring the references");
        ReferenceJudge.Judged own = judge.Judge([.. samples.Select(sample => sample.Text)]);
        own = own with
        {
            Figures = own.Figures.Concat(CrossEntropy(generator, file, context, cancellation)).ToDictionary(),
        };

        var headline = new Headline("bleu", judge.Unit, MoreIsBetter: true, on.Lead);
        var judgement = new Judgement(context, on, headline, new([], own.Figures));
        void Compare(string name, Func<string, string> answer)
        {
            progress?.Report($"evaluating the baseline {name}");
            ReferenceJudge.Judged baseline = judge.Judge([.. pairs.Select(pair => answer(pair.Source))]);
            judgement.Add(name, baseline.Figures, on.IsHeldOut ? judge.Compare(own, baseline, headline)
                : Comparison.NothingHeldOut(own.Figures["bleu"], baseline.Figures["bleu"], headline));
        }
        Compare("copySource", source => source);
        if (data.Train.Count > 0)
            Compare("nearestTrainingPair", new NearestPair(data.Train, cancellation).Target);

        string[] shown = [.. pairs.Zip(samples).Take(context.Options.Samples)
            .Select(p => $"source:    {p.First.Source}\nreference: {p.First.Target}\nmodel:     {p.Second.Text}")];
        int cut = samples.Count(sample => sample.FinishReason == "length");
        EvaluationReport report = judgement.Report(Fingerprint(pairs),
            shown.Length == 0 ? [] : [new("Targets") { Samples = shown }],
            [
                $"{Quantity.Of(pairs.Length, "pair")}; 95 % intervals by bootstrap over pairs.",
                $"BLEU {judge.Signature} (Papineni et al. 2002; as sacreBLEU computes it).",
                DecodingNote(generator.Defaults),
                .. cut > 0 ? [$"{Quantity.Of(cut, "target")} reached the largest number of tokens."]
                    : Array.Empty<string>(),
                .. PairWorld.Find(data.Facts.Source) is { } world
                    ? [string.Create(CultureInfo.InvariantCulture,
                        $"The best possible exact match is {world.BestExactMatch:0.###}.")]
                    : Array.Empty<string>(),
                "copySource repeats the source; nearestTrainingPair answers with the target of the most similar "
                    + "training source.",
                .. on.Notes,
            ]);
        return report with
        {
            Scores = report.Scores! with { Bleu = [.. own.Bleu.Select(counts => counts.ToArray())] },
        };
    }

    private static string DecodingNote(DecodingOptions options) => options.BeamWidth > 1
        ? string.Create(CultureInfo.InvariantCulture,
            $"Targets by beam search with {options.BeamWidth} beams, length penalty {options.LengthPenalty:0.##}.")
        : options.Temperature == 0 ? "Targets by greedy decoding."
        : string.Create(CultureInfo.InvariantCulture,
            $"Targets were sampled at temperature {options.Temperature:0.##}; beam search is usually better.");

    private static Dictionary<string, Metric> CrossEntropy(SequenceToSequenceGenerator generator, PairFile file,
        EvaluationContext context, CancellationToken cancellation)
    {
        SequenceToSequenceTokens tokens = generator.Tokens;
        ISequenceToSequenceModel model = generator.Model;
        var fitting = new List<(ReadOnlyMemory<int>, ReadOnlyMemory<int>)>();
        for (int i = 0; i < file.Count; i++)
        {
            int[] source = [.. tokens.SourceStartIds, .. file.Source(i).Span, .. tokens.SourceEndIds];
            int[] target = [tokens.StartId, .. file.Target(i).Span, tokens.EndIds[0]];
            if (source.Length <= model.SourceLength && target.Length <= model.ContextLength + 1)
                fitting.Add((source, target));
        }
        MeanScore[] scores = [.. model.Score(fitting, cancellation)
            .Select(row => new MeanScore(-row.Sum(token => token.LogProbability), row.Length))];
        if (scores.Length == 0)
            return [];
        Metric entropy = MeanScore.Mean(scores, context.Options, context.Seed, "nats per token");
        return new()
        {
            ["crossEntropyPerToken"] = entropy,
            ["perplexity"] = entropy.Exponential("per token"),
        };
    }

    private static string Fingerprint(IEnumerable<TextPair> pairs)
    {
        using var hash = new DataFingerprint();
        foreach (TextPair pair in pairs)
            hash.Add(pair.Source).Add(pair.Target);
        return hash.TakeText();
    }

    private static IEnumerable<ulong> Hashes(IEnumerable<TextPair> pairs)
    {
        using var hash = new DataFingerprint();
        foreach (TextPair pair in pairs)
            yield return hash.Add(pair.Source).Add(pair.Target).Take();
    }

    /// <summary>Reports at once, on the thread that writes.</summary>
    private sealed class Progress(Action<int> report) : IProgress<int>
    {
        public void Report(int value) => report(value);
    }
}
