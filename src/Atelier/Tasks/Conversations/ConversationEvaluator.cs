using Atelier.Abstractions;
using Atelier.Data.Conversations;
using Atelier.Data.Text;
using Atelier.Evaluation;
using Atelier.Generation;
using Atelier.Runs;
using Atelier.Recipes;
using Atelier.Tasks.Text;

namespace Atelier.Tasks.Conversations;

/// <summary>
/// Evaluates models by the cross-entropy of held-out answers given the conversation before them. The baselines are the
/// frequencies of tokens in training answers, and the model that training started from.
/// </summary>
internal static class ConversationEvaluator
{
    private const int SequencesAtOnce = 64, Shown = 5;

    /// <summary>
    /// Evaluates a model on the test part of the data; on the validation part if there is no test part, and on the
    /// training part if nothing is held out.
    /// </summary>
    /// <exception cref="AtelierException">The model has another vocabulary than the data.</exception>
    public static async Task<EvaluationReport> EvaluateAsync(TextGenerator generator, ConversationData data,
        EvaluationContext context, IProgress<string>? progress, CancellationToken cancellation)
    {
        (ConversationPart held, Part part) = data switch
        {
            { Test.Count: > 0 } when !context.OnValidation => (data.Test, Part.Test),
            { Validation.Count: > 0 } => (data.Validation, Part.Validation),
            _ => (data.Train, Part.Train),
        };
        if (generator.Model.VocabularySize != data.Tokenizer.VocabularySize)
            throw new AtelierException($"the model has {Quantity.Of(generator.Model.VocabularySize, "token")}, the "
                + $"data were prepared with {data.Tokenizer.VocabularySize}", context.Run,
                "evaluate it on data prepared with its own tokenizer");
        JudgedOn on = JudgedOn.Of(data.Facts.Source, part, context.Other, "conversations",
            () => JudgedOn.ShareIn(Hashes(held), Hashes(data.Train)), mostRepeated: 0.5);
        progress?.Report($"scoring {Quantity.Of(held.Count, "conversation")}");
        AnswerScore[] own = Score(generator.Model, held, cancellation);
        var headline = new Headline("crossEntropyPerToken", "nats per token of answers", MoreIsBetter: false, on.Lead);
        var judgement = new Judgement(context, on, headline, Judged(own));
        if (data.Train.Count > 0)
            judgement.Compare("tokenFrequencies", Judged(ByFrequency(data, held)));
        string? refusal = null;
        if (context.Folder is { } folder && StartOf(folder, context, out refusal) is { } start)
        {
            using (start)
            {
                if (start.As<TextGenerator>() is { } before && before.Model.VocabularySize
                    == data.Tokenizer.VocabularySize)
                {
                    progress?.Report("scoring with the model before training");
                    judgement.Compare("beforeTraining", Judged(Score(before.Model, held, cancellation)));
                }
            }
        }
        return judgement.Report(Fingerprint(held),
            await SamplesAsync(generator, held, context, cancellation).ConfigureAwait(false),
        [
            $"{Quantity.Of(own.Sum(score => score.Tokens), "token")} of answers in {Quantity.Of(held.Count,
                "conversation")}, each with the token that ends it; the messages before an answer are given.",
            "95 % intervals by bootstrap over conversations.",
            .. refusal is null ? Array.Empty<string>() : [refusal],
            .. on.Notes,
        ]);

        JudgedModel Judged(AnswerScore[] scores)
        {
            MeanScore[] nats = [.. scores.Select(score => new MeanScore(score.Nats, score.Tokens))];
            Metric entropy = MeanScore.Mean(nats, context.Options, context.Seed, "nats per token of answers");
            return new(nats, new Dictionary<string, Metric>
            {
                [headline.Metric] = entropy,
                ["perplexity"] = new(Math.Exp(entropy.Value), Math.Exp(entropy.Low), Math.Exp(entropy.High),
                    "per token of answers"),
                ["accuracy"] = MeanScore.Mean([.. scores.Select(s => new MeanScore(s.Correct, s.Tokens))],
                    context.Options, context.Seed, "share of tokens of answers"),
            });
        }
    }

    /// <summary>Scores the tokens of answers in each sequence.</summary>
    internal static AnswerScore[] Score(ILanguageModel model, ConversationPart part, CancellationToken cancellation)
    {
        int longest = model.ContextLength == int.MaxValue ? int.MaxValue : model.ContextLength + 1;
        var scores = new List<AnswerScore>();
        foreach (int[] some in Enumerable.Range(0, part.Count).Chunk(SequencesAtOnce))
        {
            cancellation.ThrowIfCancellationRequested();
            ReadOnlyMemory<int>[] sequences = [.. some.Select(i => part.Ids(i))
                .Select(ids => ids.AsMemory(0, Math.Min(ids.Length, longest)))];
            IReadOnlyList<TokenScore[]> all = model.Score(sequences, cancellation);
            scores.AddRange(some.Zip(all, (i, tokens) => AnswerScore.Of(tokens, part.Answers(i))));
        }
        return [.. scores];
    }

    /// <summary>Scores answers by how often each token occurs in the training answers, with one added to each
    /// count.</summary>
    private static AnswerScore[] ByFrequency(ConversationData data, ConversationPart held)
    {
        long[] counts = new long[data.Tokenizer.VocabularySize];
        foreach (int id in Enumerable.Range(0, data.Train.Count).SelectMany(i => AnswerTokens(data.Train, i)))
            counts[id]++;
        double all = counts.Sum() + counts.Length;
        int most = Array.IndexOf(counts, counts.Max());
        return [.. Enumerable.Range(0, held.Count).Select(i =>
        {
            int[] ids = [.. AnswerTokens(held, i)];
            return new AnswerScore(ids.Sum(id => -Math.Log((counts[id] + 1) / all)), ids.Length,
                ids.Count(id => id == most));
        })];
    }

    private static IEnumerable<int> AnswerTokens(ConversationPart part, int index) => part.Ids(index)
        .Zip(part.Answers(index)).Skip(1).Where(token => token.Second).Select(token => token.First);

    /// <summary>Opens the model that the training of a run started from; null if there is none.</summary>
    /// <param name="folder">The folder of the run.</param>
    /// <param name="context">The context of the evaluation.</param>
    /// <param name="refusal">A sentence that says why it cannot be opened, such as that it was deleted; otherwise null.
    /// </param>
    private static ITrainedModel? StartOf(string folder, EvaluationContext context, out string? refusal)
    {
        refusal = null;
        try
        {
            Recipe recipe = Run.ReadRecipe(folder, context.Families);
            return StartingBundle.Open(recipe.Training) is { } bundle
                ? context.Families.First(family => family.Name == recipe.Model.Family).Load(bundle, "cpu") : null;
        }
        catch (AtelierException e)
        {
            refusal = $"The model before training is not compared: {e.ToLine()}.";
            return null;
        }
    }

    /// <summary>Answers the first messages of held-out conversations.</summary>
    private static async Task<IReadOnlyList<ReportSection>> SamplesAsync(TextGenerator generator,
        ConversationPart held, EvaluationContext context, CancellationToken cancellation)
    {
        var samples = new List<string>();
        for (int i = 0; i < Math.Min(held.Count, Math.Min(Shown, context.Options.Samples)); i++)
        {
            int[] ids = held.Ids(i);
            int start = Math.Max(1, Array.IndexOf(held.Answers(i), true));
            if (start >= generator.Model.ContextLength)
                continue;
            var request = new GenerationRequest
            {
                PromptIds = ids[..start],
                Seed = context.Seed,
                Decoding = generator.Defaults with { MaxTokens = context.Options.SampleTokens, BeamWidth = 1 },
            };
            await foreach (TextSample sample in generator.GenerateAsync(request, cancellation).ConfigureAwait(false))
                samples.Add(generator.Tokenizer.DecodeText(ids.AsSpan(0, start)) + sample.Text);
        }
        return samples.Count == 0 ? [] : [new ReportSection("Answers to held-out messages") { Samples = samples }];
    }

    private static string Fingerprint(ConversationPart part)
    {
        using var hash = new DataFingerprint();
        for (int i = 0; i < part.Count; i++)
            hash.Add<int>(part.Ids(i));
        return hash.TakeText();
    }

    private static IEnumerable<ulong> Hashes(ConversationPart part)
    {
        using var hash = new DataFingerprint();
        for (int i = 0; i < part.Count; i++)
        {
            hash.Add<int>(part.Ids(i));
            yield return hash.Take();
        }
    }
}

/// <summary>The score of the answers of a conversation.</summary>
/// <param name="Nats">The negative log-probability of their tokens, in nats.</param>
/// <param name="Tokens">The number of tokens.</param>
/// <param name="Correct">The number of tokens that the model predicted as most probable.</param>
internal readonly record struct AnswerScore(double Nats, long Tokens, long Correct)
{
    /// <summary>Sums the scores of the tokens of answers.</summary>
    /// <param name="scores">The score of each token after the first.</param>
    /// <param name="answers">Whether each token is one of an answer.</param>
    public static AnswerScore Of(TokenScore[] scores, bool[] answers)
    {
        var sum = default(AnswerScore);
        for (int t = 0; t < scores.Length; t++)
        {
            if (answers[t + 1])
                sum = new(sum.Nats - scores[t].LogProbability, sum.Tokens + 1, sum.Correct
                    + (scores[t].IsMostLikely ? 1 : 0));
        }
        return sum;
    }
}
