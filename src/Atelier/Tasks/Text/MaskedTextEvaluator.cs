using System.Numerics;
using Atelier.Abstractions;
using Atelier.Data.Text;
using Atelier.Evaluation;
using Atelier.Generation;
using Atelier.Recipes;
using Atelier.Tensors;

namespace Atelier.Tasks.Text;

/// <summary>
/// Evaluates masked language models by the cross-entropy and the accuracy of masked tokens of held-out text, compared
/// with the frequencies of tokens, by pseudo-perplexity, and by properties of their samples.
/// </summary>
internal static class MaskedTextEvaluator
{
    private const string Unigram = "unigram", CrossEntropy = "maskedCrossEntropy", Accuracy = "maskedAccuracy";
    private const int Groups = 7; // 1 in 7 tokens is masked at once: 14.3 %, about the share of training
    private const int FewestPositions = 2000; // of which each is masked alone
    private const int ShownTokens = 48, ShownExamples = 4;
    private const int TokensAtOnce = 1 << 14; // scored between two checks for cancellation

    /// <summary>
    /// Evaluates a model on the test part of the data, or on the validation part if there is no test part.
    /// </summary>
    /// <param name="generator">The model.</param>
    /// <param name="data">The data, prepared with the same tokenizer.</param>
    /// <param name="context">The options of the evaluation.</param>
    /// <param name="progress">Receives a one-line message at each stage.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">There is no held-out text, or the model has another vocabulary than the data,
    /// or predicts no tokens.</exception>
    public static async Task<EvaluationReport> EvaluateAsync(MaskedTextGenerator generator, TextData data,
        EvaluationContext context, IProgress<string>? progress, CancellationToken cancellation)
    {
        (EvaluationSection options, string run, long seed) = (context.Options, context.Run, context.Seed);
        TokenFile held = TextEvaluator.HeldOut(data, run);
        if (generator.Tokenizer.VocabularySize != data.Tokenizer.VocabularySize)
            throw new AtelierException($"the model has {Quantity.Of(generator.Tokenizer.VocabularySize, "token")}, the "
                + $"data was prepared with {data.Tokenizer.VocabularySize}", run,
                "evaluate it on data prepared with its own tokenizer");
        JudgedOn on = TextEvaluator.DescribeData(data, held, context);
        int[][] windows = [.. Windows(held, generator.LongestText).StoppedBy(cancellation)];
        progress?.Report($"scoring {(on.IsHeldOut ? "held-out " : "")}text with the model");
        MaskedScore[] scores = Score(generator, windows, seed, cancellation);
        var headline = new Headline(CrossEntropy, "nats per masked token", MoreIsBetter: false, on.Lead);
        var own = new JudgedModel(Means(scores), Figures(scores, options, seed));
        progress?.Report("scoring tokens one by one");
        (int[][] some, MaskedScore[] alone) = ScoreAlone(generator, windows, cancellation);
        var metrics = new Dictionary<string, Metric>(own.Figures)
        {
            ["pseudoPerplexity"] = MetricOf(alone, sum => Math.Exp(sum.Nats / sum.Tokens), "per token", options, seed),
        };
        var baselines = new Dictionary<string, IReadOnlyDictionary<string, Metric>>();
        var comparisons = new Dictionary<string, Comparison>();
        if (data.Train.Count > 1)
        {
            MaskedScore[] frequencies = ScoreByFrequency(data, windows, cancellation);
            var baseline = new JudgedModel(Means(frequencies), Figures(frequencies, options, seed));
            baselines[Unigram] = baseline.Figures;
            comparisons[Unigram] = on.Compare(headline, own, baseline, options, seed);
        }
        var sections = new List<ReportSection>();
        if (options.Samples > 0)
        {
            progress?.Report($"generating {Quantity.Of(options.Samples, "sample")}");
            sections.Add(new ReportSection("Filled in")
            {
                Samples = [.. some.Take(Math.Min(options.Samples, ShownExamples))
                    .Select(window => Example(generator, window, cancellation))],
            });
            List<string> samples =
                await SampleAsync(generator, options, seed, cancellation).ConfigureAwait(false);
            sections.Add(TextEvaluator.SampleSection(samples, data, cancellation));
        }
        var report = new EvaluationReport
        {
            Run = run,
            Data = on.Data,
            Headline = headline,
            Metrics = metrics,
            Baselines = baselines,
            Comparisons = comparisons,
            // items are windows of the model's own length and tokens, so that only like models are compared
            Scores = JudgedScores.Of(on, FormattableString.Invariant(
                $"{TextEvaluator.Fingerprint(held, data.Tokenizer)}-{data.Tokenizer.VocabularySize}-{windows.Length}"),
                headline, own.Scores),
            Sections = sections,
            Picture = context.Picture is null ? null : Path.GetFileName(context.Picture),
            Notes =
            [
                $"Each of {Quantity.Of(scores.Sum(score => score.Tokens), "token")} of "
                    + $"{Quantity.Of(held.DocumentCount, "document")} was predicted once, with 1 in {Groups} tokens "
                    + "masked at the same time.",
                $"The pseudo-perplexity (Salazar et al. 2020) masks one token at a time, on "
                    + $"{Quantity.Of(alone.Sum(score => score.Tokens), "token")}; it is no perplexity of the text.",
                $"95 % intervals by bootstrap over windows of up to {Quantity.Of(generator.LongestText, "token")}.",
                .. on.Notes,
            ],
        };
        if (context.Picture is not null)
            EvaluationPlot.Save(context.Picture, report);
        return report;
    }

    /// <summary>Shows the beginning of a text with every seventh token masked, and as the model fills it in.</summary>
    /// <param name="generator">The model.</param>
    /// <param name="file">The file of the text.</param>
    /// <param name="position">The position of the first token.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    public static string Example(MaskedTextGenerator generator, TokenFile file, long position,
        CancellationToken cancellation)
    {
        int[] ids = new int[ShownTokens];
        int count = file.Read(position, ids);
        return Example(generator, [.. ids.Take(count).Where(id => id != file.EndOfTextId)], cancellation);
    }

    private static string Example(MaskedTextGenerator generator, int[] window, CancellationToken cancellation)
    {
        int[] masked = [.. window.Take(Math.Min(ShownTokens, generator.LongestText))];
        for (int at = Groups / 2; at < masked.Length; at += Groups)
            masked[at] = generator.Tokens.MaskId!.Value;
        string filled = generator.Infill(masked, alternatives: 0, cancellation).Text;
        return $"{generator.Decode(masked)}\n→ {filled}";
    }

    /// <summary>Returns the tokens of each document, in pieces of at most the model's length.</summary>
    private static IEnumerable<int[]> Windows(TokenFile file, int longest)
    {
        for (long index = 0; index < file.DocumentCount; index++)
        {
            DocumentEntry document = file.Document(index);
            long length = document.Length - (file.EndOfTextId is null ? 0 : 1); // the end of a document is never masked
            for (long at = 0; at < length; at += longest)
            {
                int[] tokens = new int[(int)Math.Min(longest, length - at)];
                file.Read(document.Start + at, tokens);
                yield return tokens;
            }
        }
    }

    /// <summary>Scores each token once, in groups of about a seventh of each window, drawn by the seed.</summary>
    private static MaskedScore[] Score(MaskedTextGenerator generator, int[][] windows, long seed,
        CancellationToken cancellation)
    {
        var scores = new MaskedScore[windows.Length];
        for (int i = 0; i < windows.Length; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            int[] order = Ordinary(generator, windows[i]);
            ulong stream = SplitMix64.At((ulong)seed, (ulong)i);
            ulong[] keys = [.. order.Select(position => SplitMix64.At(stream, (ulong)position))];
            Array.Sort(keys, order);
            var groups = order.Index().GroupBy(item => item.Index % Groups, item => item.Item);
            scores[i] = Sum(generator.Score(windows[i], groups.Select(group => group.ToArray()), cancellation));
        }
        return scores;
    }

    /// <summary>Scores tokens one by one, in windows at even distances.</summary>
    private static (int[][] Windows, MaskedScore[] Scores) ScoreAlone(MaskedTextGenerator generator, int[][] windows,
        CancellationToken cancellation)
    {
        long all = windows.Sum(window => (long)window.Length);
        int step = (int)Math.Max(1, all / FewestPositions);
        int[][] some = [.. windows.Where((_, i) => i % step == 0)];
        return (some, [.. some.Select(window => Sum(generator.Score(window,
            Ordinary(generator, window).Select(position => (int[])[position]), cancellation)))]);
    }

    /// <summary>Returns the positions of the tokens that are not special, such as those of unknown words.</summary>
    private static int[] Ordinary(MaskedTextGenerator generator, int[] window) =>
        [.. Enumerable.Range(0, window.Length).Where(at => !generator.Tokenizer.Bytes(window[at]).IsEmpty)];

    /// <summary>
    /// Scores tokens by their frequencies in the training part, each counted once more than it occurs.
    /// </summary>
    private static MaskedScore[] ScoreByFrequency(TextData data, int[][] windows, CancellationToken cancellation)
    {
        bool[] counted = [.. Enumerable.Range(0, data.Tokenizer.VocabularySize)
            .Select(id => !data.Tokenizer.Bytes(id).IsEmpty)];
        long[] counts = [.. counted.Select(isCounted => isCounted ? 1L : 0)];
        int[] tokens = new int[TokensAtOnce];
        for (long at = 0; at < data.Train.Count; at += tokens.Length)
        {
            cancellation.ThrowIfCancellationRequested();
            int read = data.Train.Read(at, tokens);
            foreach (int id in tokens.AsSpan(0, read))
                counts[id] += counted[id] ? 1 : 0;
        }
        double total = counts.Sum(count => (double)count);
        int mostFrequent = Array.IndexOf(counts, counts.Max());
        return [.. windows.Select(window => Sum(window.Where(id => counted[id]).Select(id =>
            new TokenScore(Math.Log(counts[id] / total), id == mostFrequent))))];
    }

    private static async Task<List<string>> SampleAsync(MaskedTextGenerator generator, EvaluationSection options,
        long seed, CancellationToken cancellation)
    {
        var request = new GenerationRequest
        {
            Count = options.Samples,
            Seed = seed,
            Decoding = generator.Defaults with { MaxTokens = options.SampleTokens },
        };
        var samples = new List<string>();
        await foreach (Sample sample in generator.GenerateAsync(request, cancellation).ConfigureAwait(false))
            samples.Add(sample.Shown);
        return samples;
    }

    private static Dictionary<string, Metric> Figures(MaskedScore[] scores, EvaluationSection options, long seed) =>
        new()
        {
            [CrossEntropy] = MetricOf(scores, sum => sum.Nats / sum.Tokens, "nats per masked token", options, seed),
            [Accuracy] = MetricOf(scores, sum => (double)sum.Correct / sum.Tokens, "share of masked tokens", options,
                seed),
        };

    private static Metric MetricOf(MaskedScore[] scores, Func<MaskedScore, double> of, string unit,
        EvaluationSection options, long seed)
    {
        (double low, double high) =
            Bootstrap.Central([.. Bootstrap.Resample(scores, options.BootstrapSamples, seed).Select(of)]);
        return new Metric(of(scores.Aggregate(default(MaskedScore), (left, right) => left + right)), low, high, unit);
    }

    private static MeanScore[] Means(MaskedScore[] scores) =>
        [.. scores.Select(score => new MeanScore(score.Nats, score.Tokens))];

    private static MaskedScore Sum(IEnumerable<TokenScore> scores) => scores.Aggregate(default(MaskedScore),
        (sum, score) => sum + new MaskedScore(-score.LogProbability, 1, score.IsMostLikely ? 1 : 0));

    /// <summary>The scores of masked tokens, as sums that can be added.</summary>
    /// <param name="Nats">The negative log-probability of the tokens, in nats.</param>
    /// <param name="Tokens">The number of tokens.</param>
    /// <param name="Correct">The number of tokens that the model predicted as most probable.</param>
    private readonly record struct MaskedScore(double Nats, long Tokens, long Correct)
        : IAdditionOperators<MaskedScore, MaskedScore, MaskedScore>
    {
        public static MaskedScore operator +(MaskedScore left, MaskedScore right) =>
            new(left.Nats + right.Nats, left.Tokens + right.Tokens, left.Correct + right.Correct);
    }
}
