using System.Text;
using Atelier.Abstractions;
using Atelier.Data.Pairs;
using Atelier.Data.Text;
using Atelier.Evaluation;
using Atelier.Generation;
using Atelier.Recipes;
using Atelier.Tensors;
using Atelier.Tokenizers;

namespace Atelier.Tasks.Text;

/// <summary>
/// Evaluates models from text to text that fill in spans of text, by the cross-entropy and the accuracy of the tokens
/// that are removed from held-out text, compared with the frequencies of tokens.
/// </summary>
internal static class SpanEvaluator
{
    private const string Unigram = "unigram", CrossEntropy = "spanCrossEntropy", Accuracy = "spanAccuracy";
    private const double Share = 0.15, MeanLength = 3; // as in T5, however the model was trained
    private const int ShownExamples = 4, ShownTokens = 48;
    private const int WindowsAtOnce = 256; // of which the logits are kept no longer than needed
    private const int TokensAtOnce = 1 << 14; // counted between two checks for cancellation

    /// <summary>
    /// Evaluates a model on the test part of the data, or on the validation part if there is no test part.
    /// </summary>
    /// <param name="generator">The model.</param>
    /// <param name="data">The data, prepared with the same tokenizer; sentinels may be missing in it.</param>
    /// <param name="context">The options of the evaluation.</param>
    /// <param name="progress">Receives a one-line message at each stage.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">There is no held-out text, or the model has another vocabulary than the data,
    /// or no sentinels.</exception>
    public static async Task<EvaluationReport> EvaluateAsync(SequenceToSequenceGenerator generator, TextData data,
        EvaluationContext context, IProgress<string>? progress, CancellationToken cancellation)
    {
        (EvaluationSection options, string run, long seed) = (context.Options, context.Run, context.Seed);
        TokenFile held = TextEvaluator.HeldOut(data, run);
        (int own, int prepared) = (generator.Tokenizer.VocabularySize, data.Tokenizer.VocabularySize);
        if (own != prepared && own != prepared + generator.Tokenizer.Special.Sentinels.Count)
            throw new AtelierException($"the model has {Quantity.Of(own, "token")}, the data was prepared with "
                + $"{prepared}", run, "evaluate it on data prepared with its own tokenizer");
        SpanCorruption corruption = CorruptionOf(generator, run);
        JudgedOn on = TextEvaluator.DescribeData(data, held, context);
        int longest = LongestText(generator, corruption);
        Removed[] removed = [.. Corrupt(held, corruption, longest, seed).StoppedBy(cancellation)];
        progress?.Report($"scoring {(on.IsHeldOut ? "held-out " : "")}text with the model");
        HashSet<int> sentinels = [.. generator.Tokenizer.Special.Sentinels];
        TokenScore[][] scores = Score(generator, sentinels, removed, cancellation);
        var headline = new Headline(CrossEntropy, "nats per token", MoreIsBetter: false, on.Lead);
        JudgedModel judged = Judge(scores, options, seed);
        var baselines = new Dictionary<string, IReadOnlyDictionary<string, Metric>>();
        var comparisons = new Dictionary<string, Comparison>();
        if (data.Train.Count > 1)
        {
            JudgedModel unigram = Judge(ScoreByFrequency(data, sentinels, removed, cancellation), options, seed);
            baselines[Unigram] = unigram.Figures;
            comparisons[Unigram] = on.Compare(headline, judged, unigram, options, seed);
        }
        int shown = Math.Min(options.Samples, ShownExamples);
        progress?.Report($"filling in {Quantity.Of(shown, "text")}");
        IReadOnlyList<string> examples =
            await ExamplesAsync(generator, held, shown, seed, cancellation).ConfigureAwait(false);
        var report = new EvaluationReport
        {
            Run = run,
            Data = on.Data,
            Headline = headline,
            Metrics = judged.Figures,
            Baselines = baselines,
            Comparisons = comparisons,
            // items are windows of the model's own length and tokens, so that only like models are compared
            Scores = JudgedScores.Of(on, FormattableString.Invariant(
                $"{TextEvaluator.Fingerprint(held, data.Tokenizer)}-{prepared}-{removed.Length}-{seed}"), headline,
                judged.Scores),
            Sections = examples.Count == 0 ? [] : [new ReportSection("Filled in") { Samples = examples }],
            Picture = context.Picture is null ? null : Path.GetFileName(context.Picture),
            Notes =
            [
                FormattableString.Invariant($"{Share:P0} of the tokens of ")
                    + $"{Quantity.Of(held.DocumentCount, "document")} were removed once, in spans of {MeanLength} on "
                    + $"average (Raffel et al. 2020): {Quantity.Of(scores.Sum(score => (long)score.Length), "token")}. "
                    + "Sentinels and end tokens do not count.",
                $"95 % intervals by bootstrap over windows of up to {Quantity.Of(longest, "token")}.",
                .. on.Notes,
            ],
        };
        if (context.Picture is not null)
            EvaluationPlot.Save(context.Picture, report);
        return report;
    }

    /// <summary>Shows the beginnings of documents with spans removed, and what the model fills in.</summary>
    /// <param name="generator">The model.</param>
    /// <param name="file">The file of the documents.</param>
    /// <param name="count">The number of documents.</param>
    /// <param name="seed">The seed of the spans.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    public static async Task<IReadOnlyList<string>> ExamplesAsync(SequenceToSequenceGenerator generator,
        TokenFile file, int count, long seed, CancellationToken cancellation)
    {
        SpanCorruption corruption = CorruptionOf(generator, file.Path);
        var shown = new List<string>();
        foreach (Removed text in Corrupt(file, corruption, Math.Min(ShownTokens, LongestText(generator, corruption)),
            seed).Take(count))
        {
            int[] source = [.. text.Source, .. generator.Tokens.SourceEndIds];
            await foreach (TextSample sample in generator.GenerateAsync(
                new GenerationRequest { PromptIds = source, Seed = seed }, cancellation).ConfigureAwait(false))
            {
                shown.Add($"{Show(text.Source, generator.Tokenizer)}\n→ {sample.Text}\n  "
                    + $"(removed: {Show(text.Target, generator.Tokenizer)})");
            }
        }
        return shown;
    }

    /// <summary>A text whose spans are removed, without start and end tokens.</summary>
    private sealed record Removed(int[] Source, int[] Target);

    private static SpanCorruption CorruptionOf(SequenceToSequenceGenerator generator, string where)
    {
        IReadOnlyList<int> sentinels = generator.Tokenizer.Special.Sentinels;
        return sentinels.Count > 1 ? new SpanCorruption(sentinels, Share, MeanLength)
            : throw new AtelierException("the model has no sentinel tokens for removed spans", where,
                "evaluate it on pairs of texts");
    }

    private static int LongestText(SequenceToSequenceGenerator generator, SpanCorruption corruption) =>
        corruption.LongestText(Math.Min(generator.Model.SourceLength, generator.Model.ContextLength));

    private static IEnumerable<Removed> Corrupt(TokenFile file, SpanCorruption corruption, int longest, long seed)
    {
        foreach ((int index, (long start, int length)) in SpanBatches.Windows(file, longest).Index())
        {
            int[] tokens = new int[length];
            file.Read(start, tokens);
            var random = new SplitMix64(SplitMix64.At((ulong)seed, (ulong)index));
            (int[] source, int[] target) = corruption.Apply(tokens, ref random);
            yield return new(source, target);
        }
    }

    private static TokenScore[][] Score(SequenceToSequenceGenerator generator, HashSet<int> sentinels,
        Removed[] removed, CancellationToken cancellation)
    {
        SequenceToSequenceTokens tokens = generator.Tokens;
        return
        [
            .. removed.Chunk(WindowsAtOnce).SelectMany(some => generator.Model.Score([.. some.Select(text =>
                ((ReadOnlyMemory<int>)(int[])[.. text.Source, .. tokens.SourceEndIds],
                    (ReadOnlyMemory<int>)(int[])[tokens.StartId, .. text.Target]))], cancellation)
                .Zip(some, (scores, text) => scores.Where((_, t) => !sentinels.Contains(text.Target[t])).ToArray())),
        ];
    }

    /// <summary>
    /// Scores tokens by their frequencies in the training part, each counted once more than it occurs.
    /// </summary>
    private static TokenScore[][] ScoreByFrequency(TextData data, HashSet<int> sentinels, Removed[] removed,
        CancellationToken cancellation)
    {
        long[] counts = new long[data.Tokenizer.VocabularySize];
        Array.Fill(counts, 1);
        int[] tokens = new int[TokensAtOnce];
        for (long at = 0; at < data.Train.Count; at += tokens.Length)
        {
            cancellation.ThrowIfCancellationRequested();
            int read = data.Train.Read(at, tokens);
            foreach (int id in tokens.AsSpan(0, read))
                counts[id] += id == data.Train.EndOfTextId ? 0 : 1;
        }
        double total = counts.Sum(count => (double)count);
        int mostFrequent = Array.IndexOf(counts, counts.Max());
        return [.. removed.Select(text => text.Target.Where(id => !sentinels.Contains(id))
            .Select(id => new TokenScore(Math.Log(counts[id] / total), id == mostFrequent)).ToArray())];
    }

    private static JudgedModel Judge(TokenScore[][] scores, EvaluationSection options, long seed)
    {
        MeanScore[] nats =
            [.. scores.Select(row => new MeanScore(-row.Sum(score => score.LogProbability), row.Length))];
        MeanScore[] correct =
            [.. scores.Select(row => new MeanScore(row.Count(score => score.IsMostLikely), row.Length))];
        return new(nats, new Dictionary<string, Metric>
        {
            [CrossEntropy] = MeanScore.Mean(nats, options, seed, "nats per token"),
            [Accuracy] = MeanScore.Mean(correct, options, seed, "share of tokens"),
        });
    }

    /// <summary>Decodes tokens, with the names of sentinels.</summary>
    private static string Show(int[] ids, Tokenizer tokenizer)
    {
        var stream = new TextStream(tokenizer);
        var text = new StringBuilder();
        foreach (int id in ids)
            text.Append(tokenizer.Special.Sentinels.Contains(id) ? tokenizer.Name(id) : stream.Add(id));
        return text.Append(stream.Finish()).ToString();
    }
}
