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
    private const double Share = 0.15, MeanLength = 3; // as in T5, however the model was trained
    private const int ShownExamples = 4, ShownTokens = 48;
    private const int WindowsAtOnce = 256; // of which the logits are kept no longer than needed

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
        (string run, long seed) = (context.Run, context.Seed);
        TokenFile held = TextEvaluator.HeldOut(data, context);
        (int own, int prepared) = (generator.Tokenizer.VocabularySize, data.Tokenizer.VocabularySize);
        if (own != prepared + generator.Tokenizer.Special.Sentinels.Count)
            TextEvaluator.CheckVocabulary(own, data, run);
        SpanCorruption corruption = CorruptionOf(generator, run);
        JudgedOn on = TextEvaluator.DescribeData(data, held, context);
        int longest = LongestText(generator, corruption);
        Removed[] removed = [.. Corrupt(held, corruption, longest, seed).StoppedBy(cancellation)];
        progress?.Report($"scoring {(on.IsHeldOut ? "held-out " : "")}text with the model");
        HashSet<int> sentinels = [.. generator.Tokenizer.Special.Sentinels];
        var filled = new FilledTokens("spanCrossEntropy", "spanAccuracy", "token", context);
        JudgedModel judged = filled.Judge(Score(generator, sentinels, removed, cancellation));
        Judgement judgement = filled.Compare(judged, on, data,
            removed.Select(text => text.Target.Where(id => !sentinels.Contains(id))),
            id => id != data.Train.EndOfTextId, cancellation);
        int shown = Math.Min(context.Options.Samples, ShownExamples);
        progress?.Report($"filling in {Quantity.Of(shown, "text")}");
        IReadOnlyList<string> examples =
            await ExamplesAsync(generator, held, shown, seed, cancellation).ConfigureAwait(false);
        // items are windows of the model's own length and tokens, so that only like models are compared
        string content = FormattableString.Invariant(
            $"{TextEvaluator.Fingerprint(held, data.Tokenizer)}-{prepared}-{removed.Length}-{seed}");
        return judgement.Report(content,
            examples.Count == 0 ? [] : [new ReportSection("Filled in") { Samples = examples }],
            [
                FormattableString.Invariant($"{Share:P0} of the tokens of ")
                    + $"{Quantity.Of(held.DocumentCount, "document")} were removed once, in spans of {MeanLength} on "
                    + $"average (Raffel et al. 2020): {Quantity.Of(judged.Weight, "token")}. "
                    + "Sentinels and end tokens do not count.",
                $"95 % intervals by bootstrap over windows of up to {Quantity.Of(longest, "token")}.",
                .. on.Notes,
            ]);
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
        foreach ((int index, int[] tokens) in file.Pieces(longest, ends: false).Index())
        {
            var random = new SplitMix64(SplitMix64.At((ulong)seed, (ulong)index));
            (int[] source, int[] target) = corruption.Apply(tokens, ref random);
            yield return new(source, target);
        }
    }

    private static IEnumerable<IEnumerable<TokenScore>> Score(SequenceToSequenceGenerator generator,
        HashSet<int> sentinels, Removed[] removed, CancellationToken cancellation)
    {
        SequenceToSequenceTokens tokens = generator.Tokens;
        return removed.Chunk(WindowsAtOnce).SelectMany(some => generator.Model.Score([.. some.Select(text =>
            ((ReadOnlyMemory<int>)(int[])[.. text.Source, .. tokens.SourceEndIds],
                (ReadOnlyMemory<int>)(int[])[tokens.StartId, .. text.Target]))], cancellation)
            .Zip(some, (scores, text) => scores.Where((_, t) => !sentinels.Contains(text.Target[t]))));
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
