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
    private const int Groups = 7; // 1 in 7 tokens is masked at once: 14.3 %, about the share of training
    private const int FewestPositions = 2000; // of which each is masked alone
    private const int ShownTokens = 48, ShownExamples = 4;

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
        TokenFile held = TextEvaluator.HeldOut(data, context);
        TextEvaluator.CheckVocabulary(generator.Tokenizer.VocabularySize, data, run);
        JudgedOn on = TextEvaluator.DescribeData(data, held, context);
        int[][] windows = [.. held.Pieces(generator.LongestText, ends: false).StoppedBy(cancellation)];
        progress?.Report($"scoring {(on.IsHeldOut ? "held-out " : "")}text with the model");
        var filled = new FilledTokens("maskedCrossEntropy", "maskedAccuracy", "masked token", context);
        JudgedModel together = filled.Judge(Score(generator, windows, seed, cancellation));
        progress?.Report("scoring tokens one by one");
        int[][] some = Some(windows);
        JudgedModel alone = filled.Judge(ScoreAlone(generator, some, cancellation));
        JudgedModel own = together with
        {
            Figures = new Dictionary<string, Metric>(together.Figures)
            {
                ["pseudoPerplexity"] = alone.Figures[filled.CrossEntropy].Exponential("per token"),
            },
        };
        Judgement judgement = filled.Compare(own, on, data, windows, id => !data.Tokenizer.Bytes(id).IsEmpty,
            cancellation);
        var sections = new List<ReportSection>();
        if (options.Samples > 0)
        {
            sections.Add(new ReportSection("Filled in")
            {
                Samples = [.. some.Take(Math.Min(options.Samples, ShownExamples))
                    .Select(window => Example(generator, window, cancellation))],
            });
            List<string> samples =
                await TextEvaluator.SampleAsync(generator, generator.Defaults, context, progress, cancellation)
                    .ConfigureAwait(false);
            sections.Add(TextEvaluator.SampleSection(samples, data, cancellation));
        }
        // items are windows of the model's own length and tokens, so that only like models are compared
        string content = FormattableString.Invariant(
            $"{TextEvaluator.Fingerprint(held, data.Tokenizer)}-{data.Tokenizer.VocabularySize}-{windows.Length}");
        return judgement.Report(content, sections,
            [
                $"Each of {Quantity.Of(own.Weight, "token")} of "
                    + $"{Quantity.Of(held.DocumentCount, "document")} was predicted once, with 1 in {Groups} tokens "
                    + "masked at the same time.",
                "The pseudo-perplexity (Salazar et al. 2020) masks one token at a time, on "
                    + $"{Quantity.Of(alone.Weight, "token")}; it is no perplexity of the text.",
                $"95 % intervals by bootstrap over windows of up to {Quantity.Of(generator.LongestText, "token")}.",
                .. on.Notes,
            ]);
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

    /// <summary>Scores each token once, in groups of about a seventh of each window, drawn by the seed.</summary>
    private static IEnumerable<IEnumerable<TokenScore>> Score(MaskedTextGenerator generator, int[][] windows,
        long seed, CancellationToken cancellation)
    {
        foreach ((int i, int[] window) in windows.Index())
        {
            cancellation.ThrowIfCancellationRequested();
            int[] order = Ordinary(generator, window);
            ulong stream = SplitMix64.At((ulong)seed, (ulong)i);
            ulong[] keys = [.. order.Select(position => SplitMix64.At(stream, (ulong)position))];
            Array.Sort(keys, order);
            var groups = order.Index().GroupBy(item => item.Index % Groups, item => item.Item);
            yield return generator.Score(window, groups.Select(group => group.ToArray()), cancellation);
        }
    }

    /// <summary>Returns windows at even distances, with enough tokens to score one by one.</summary>
    private static int[][] Some(int[][] windows)
    {
        int step = (int)Math.Max(1, windows.Sum(window => (long)window.Length) / FewestPositions);
        return [.. windows.Where((_, i) => i % step == 0)];
    }

    /// <summary>Scores tokens one by one.</summary>
    private static IEnumerable<IEnumerable<TokenScore>> ScoreAlone(MaskedTextGenerator generator, int[][] windows,
        CancellationToken cancellation) => windows.Select(window => generator.Score(window,
            Ordinary(generator, window).Select(position => (int[])[position]), cancellation));

    /// <summary>Returns the positions of the tokens that are not special, such as those of unknown words.</summary>
    private static int[] Ordinary(MaskedTextGenerator generator, int[] window) =>
        [.. Enumerable.Range(0, window.Length).Where(at => !generator.Tokenizer.Bytes(window[at]).IsEmpty)];
}
