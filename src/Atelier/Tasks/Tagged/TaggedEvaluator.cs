using System.Globalization;
using Atelier.Data.Tagged;
using Atelier.Data.Text;
using Atelier.Evaluation;

namespace Atelier.Tasks.Tagged;

/// <summary>
/// Evaluates taggers by their accuracy on known and unknown words. The baseline gives each word its most frequent tag.
/// </summary>
internal static class TaggedEvaluator
{
    private const int ShownSamples = 3, ShownTags = 10;
    private const double MostUnknown = 0.5; // share of tags from which on the data are another model's

    /// <summary>
    /// Evaluates a tagger on the test part of the data; on the validation part if there is no test part, and on the
    /// training part if nothing is held out.
    /// </summary>
    /// <exception cref="AtelierException">The sentences have no tags.</exception>
    public static EvaluationReport Evaluate(ITagger tagger, TaggedData data, EvaluationContext context,
        IProgress<string>? progress, CancellationToken cancellation)
    {
        (IReadOnlyList<TaggedSentence> sentences, Part part) = data switch
        {
            { Test.Count: > 0 } when !context.OnValidation => (data.Test, Part.Test),
            { Validation.Count: > 0 } => (data.Validation, Part.Validation),
            _ => (data.Train, Part.Train),
        };
        JudgedOn on = JudgedOn.Of(data.Facts.Source, part, context.Other, "sentences",
            () => JudgedOn.ShareIn(Hashes(sentences), Hashes(data.Train)), mostRepeated: 0.5);
        if (sentences.All(s => s.Tags.All(tag => tag == "_")))
            throw new AtelierException("the sentences have no tags to evaluate with", data.Facts.Source,
                "choose another column with data.tags");
        string[] unknown = [.. sentences.SelectMany(s => s.Tags).Where(tag => tag != "_")];
        int tagged = unknown.Length;
        unknown = [.. unknown.Where(tag => !tagger.Tags.Contains(tag))];
        string strange = $"{Quantity.Of(unknown.Length, "word")} of {tagged} have tags that the model does not know: "
            + string.Join(", ", unknown.Distinct().Order(StringComparer.Ordinal).Take(ShownTags));
        if (unknown.Length > tagged * MostUnknown)
            throw new AtelierException(strange, data.Facts.Source,
                "choose the column of the model's tags with data.tags");
        progress?.Report($"tagging {Quantity.Of(sentences.Count, "sentence")}");
        IReadOnlyList<(IReadOnlyList<string> Tags, double? LogLikelihood)> results =
            tagger.TagAll([.. sentences.Select(s => s.Words)], cancellation);
        HashSet<string> trained = [.. data.Train.SelectMany(s => s.Words)];

        // The number of correct tags and of words in each sentence, among the words that a condition includes.
        MeanScore[] Correct(Func<int, IReadOnlyList<string>> tags, Func<string, bool> includes) =>
        [
            .. sentences.Select((s, i) => new MeanScore(
                Enumerable.Range(0, s.Words.Count).Count(t => includes(s.Words[t]) && tags(i)[t] == s.Tags[t]),
                s.Words.Count(includes))),
        ];
        Metric Accuracy(MeanScore[] correct) =>
            MeanScore.Mean(correct, context.Options, context.Seed, "share of tags");
        bool? Knows(string word) => trained.Count > 0 ? trained.Contains(word) : tagger.Knows(word);
        bool IsKnown(string word) => Knows(word) == true;
        bool IsUnknown(string word) => Knows(word) == false;
        JudgedModel Judge(Func<int, IReadOnlyList<string>> tags)
        {
            MeanScore[] all = Correct(tags, _ => true);
            var figures = new Dictionary<string, Metric> { ["accuracy"] = Accuracy(all) };
            if (sentences.Any(s => s.Words.Any(IsKnown)))
                figures["accuracyKnownWords"] = Accuracy(Correct(tags, IsKnown));
            if (sentences.Any(s => s.Words.Any(IsUnknown)))
                figures["accuracyUnknownWords"] = Accuracy(Correct(tags, IsUnknown));
            return new(all, figures);
        }
        JudgedModel own = Judge(i => results[i].Tags);
        MeanScore[] logs = [.. sentences.Zip(results, (s, result) => new MeanScore(result.LogLikelihood ?? 0,
            result.LogLikelihood is null ? 0 : s.Words.Count))];
        if (logs.Any(log => log.Weight > 0))
        {
            own = own with
            {
                Figures = new Dictionary<string, Metric>(own.Figures)
                {
                    ["logLikelihoodPerWord"] = MeanScore.Mean(logs, context.Options, context.Seed, "nats"),
                },
            };
        }
        var headline = new Headline("accuracy", "of tags right", MoreIsBetter: true, on.Lead);
        var judgement = new Judgement(context, on, headline, own);
        if (data.Train.Count > 0)
        {
            Func<string, string> frequent = MostFrequentTag(data.Train);
            judgement.Compare("mostFrequentTag", Judge(i => [.. sentences[i].Words.Select(frequent)]));
        }
        IEnumerable<string> samples = sentences.Take(Math.Min(ShownSamples, context.Options.Samples))
            .Select((s, i) => string.Join(' ', s.Words.Zip(results[i].Tags, (word, tag) => $"{word}/{tag}")));
        return judgement.Report(Fingerprint(sentences),
            context.Options.Samples == 0 ? [] : [new("Tagged sentences") { Samples = [.. samples] }],
            [
                $"{Quantity.Of(sentences.Sum(s => s.Words.Count), "word")} of "
                    + $"{Quantity.Of(sentences.Count, "sentence")}; 95 % intervals by bootstrap over sentences.",
                "mostFrequentTag predicts the tag that a word had most often in training, and for unknown words the "
                    + "most frequent tag.",
                .. unknown.Length > 0 ? [$"{strange}. They count as wrong."] : Array.Empty<string>(),
                .. on.Notes,
            ]);
    }

    private static string Fingerprint(IEnumerable<TaggedSentence> sentences)
    {
        using var hash = new DataFingerprint();
        foreach (TaggedSentence sentence in sentences)
            Add(hash, sentence);
        return hash.TakeText();
    }

    private static IEnumerable<ulong> Hashes(IEnumerable<TaggedSentence> sentences)
    {
        using var hash = new DataFingerprint();
        foreach (TaggedSentence sentence in sentences)
        {
            Add(hash, sentence);
            yield return hash.Take();
        }
    }

    private static void Add(DataFingerprint hash, TaggedSentence sentence)
    {
        foreach ((string word, string tag) in sentence.Words.Zip(sentence.Tags))
            hash.Add(word).Add(tag);
        hash.Add("");
    }

    private static Func<string, string> MostFrequentTag(IReadOnlyList<TaggedSentence> training)
    {
        static string Most(IEnumerable<string> tags) => tags.GroupBy(tag => tag)
            .OrderByDescending(g => g.Count()).ThenBy(g => g.Key, StringComparer.Ordinal).First().Key;
        var words = training.SelectMany(s => s.Words.Zip(s.Tags)).GroupBy(pair => pair.First)
            .ToDictionary(g => g.Key, g => Most(g.Select(pair => pair.Second)));
        string most = Most(training.SelectMany(s => s.Tags));
        return word => words.GetValueOrDefault(word, most);
    }
}
