using Atelier.Abstractions;
using Atelier.Models.Ngram;
using Atelier.TestSupport;
using Atelier.Tokenizers;

namespace Atelier.Tests.Models;

public class NgramModelTests
{
    private static readonly int[][] Corpus = MakeCorpus();

    [Theory]
    [InlineData(NgramSmoothing.WittenBell, 1)]
    [InlineData(NgramSmoothing.WittenBell, 4)]
    [InlineData(NgramSmoothing.KneserNey, 2)]
    [InlineData(NgramSmoothing.KneserNey, 4)]
    [InlineData(NgramSmoothing.ModifiedKneserNey, 2)]
    [InlineData(NgramSmoothing.ModifiedKneserNey, 4)]
    public void Probabilities_sum_to_one_after_any_context(NgramSmoothing smoothing, int order)
    {
        using NgramModel model = Make(smoothing, order);
        var random = new Random(1);
        for (int i = 0; i < 50; i++)
        {
            int[] context = [.. Enumerable.Range(0, random.Next(6)).Select(_ => random.Next(8))];
            Enumerable.Range(0, 8).Sum(token => model.Probability(context, token)).ShouldBe(1, 1e-12);
        }
    }

    [Fact]
    public void Witten_Bell_is_the_recursion_of_its_definition()
    {
        using NgramModel model = Make(NgramSmoothing.WittenBell, 3);
        foreach (int[] context in new int[][] { [], [0], [1], [0, 1], [2, 3], [7, 7], [1, 2, 3] })
        {
            for (int token = 0; token < 8; token++)
                model.Probability(context, token)
                    .ShouldBe(Plain(context[^Math.Min(2, context.Length)..], token), 1e-12);
        }
    }

    [Fact]
    public void Kneser_Ney_counts_what_a_token_follows_and_not_how_often()
    {
        // "san francisco" often, "francisco" after nothing else: it must be unlikely after an unknown context.
        int[][] documents =
            [.. Enumerable.Range(0, 20).Select(_ => new[] { 0, 1, 2 }), [0, 3, 4], [0, 5, 4], [0, 6, 4], [0, 4, 4]];
        NgramTrie trie = NgramTrie.Count(documents.Select(d => (ReadOnlyMemory<int>)d), 2);
        using var kneserNey = new NgramModel(trie, new() { Order = 2, Smoothing = NgramSmoothing.KneserNey }, 8);
        using var wittenBell = new NgramModel(trie, new() { Order = 2 }, 8);
        wittenBell.Probability([7], 2).ShouldBeGreaterThan(wittenBell.Probability([7], 4));
        kneserNey.Probability([7], 2).ShouldBeLessThan(kneserNey.Probability([7], 4));
    }

    [Fact]
    public void Modified_Kneser_Ney_is_the_recursion_of_its_definition()
    {
        const int vocabulary = 60;
        var random = new Random(5);
        int[] text = [0, .. Enumerable.Range(0, 2000)
            .Select(_ => (int)Math.Exp(random.NextDouble() * Math.Log(vocabulary)))];
        using var model = new NgramModel(NgramTrie.Count([text], 2),
            new() { Order = 2, Smoothing = NgramSmoothing.ModifiedKneserNey }, vocabulary);

        // Counted afresh: how often a pair occurs, and how many different tokens precede a token.
        (int, int)[] pairs = [.. text.Zip(text.Skip(1))];
        Dictionary<(int, int), int> twos = pairs.CountBy(pair => pair).ToDictionary();
        var ones = twos.Keys.CountBy(pair => pair.Item2).ToDictionary();
        double[] ofTwos = Discounts(twos.Values), ofOnes = Discounts(ones.Values);
        ofTwos.Distinct().Count().ShouldBe(4, "three discounts");
        foreach (int context in (int[])[1, 2, 7, 30, 59])
        {
            for (int token = 1; token < vocabulary; token++)
            {
                double one = Interpolated(ones.GetValueOrDefault(token), ones.Values, ofOnes, 1.0 / vocabulary);
                IEnumerable<int> after = twos.Where(pair => pair.Key.Item1 == context).Select(pair => pair.Value);
                double two = after.Any()
                    ? Interpolated(twos.GetValueOrDefault((context, token)), after, ofTwos, one) : one;
                model.Probability([context], token).ShouldBe(two, 1e-12);
            }
        }

        double[] Discounts(IEnumerable<int> counts)
        {
            double n1 = counts.Count(c => c == 1), n2 = counts.Count(c => c == 2), n3 = counts.Count(c => c == 3),
                n4 = counts.Count(c => c == 4), y = n1 / (n1 + (2 * n2));
            double[] three = [0, 1 - (2 * y * n2 / n1), 2 - (3 * y * n3 / n2), 3 - (4 * y * n4 / n3)];
            bool isPossible = n1 * n2 * n3 > 0 && three[1] is > 0 and <= 1 && three[2] is > 0 and <= 2
                && three[3] is > 0 and <= 3;
            return isPossible ? three : n1 * n2 > 0 ? [0, y, y, y] : [0, 0.75, 0.75, 0.75];
        }

        static double Interpolated(int count, IEnumerable<int> all, double[] discounts, double shorter) =>
            (count - discounts[Math.Min(count, 3)] + (all.Sum(c => discounts[Math.Min(c, 3)]) * shorter)) / all.Sum();
    }

    [Theory]
    [InlineData(NgramSmoothing.WittenBell)]
    [InlineData(NgramSmoothing.KneserNey)]
    [InlineData(NgramSmoothing.ModifiedKneserNey)]
    public void Scoring_and_decoding_agree_with_single_probabilities(NgramSmoothing smoothing)
    {
        using NgramModel model = Make(smoothing, 3);
        int[] tokens = [0, 1, 2, 7, 3, 1, 1];
        var scores = model.Score([tokens])[0];
        using var state = model.CreateState(2);
        float[] logits = new float[16];
        for (int i = 1; i < tokens.Length; i++)
        {
            double[] all = [.. Enumerable.Range(0, 8).Select(token => model.Probability(tokens.AsSpan(0, i), token))];
            scores[i - 1].LogProbability.ShouldBe(Math.Log(all[tokens[i]]), 1e-12);
            scores[i - 1].IsMostLikely.ShouldBe(all[tokens[i]] >= all.Max());
            state.Append([tokens[i - 1], tokens[i - 1]], logits);
            for (int token = 0; token < 8; token++)
                logits[8 + token].ShouldBe((float)Math.Log(all[token]), 1e-5f);
        }
    }

    [Theory]
    [InlineData(NgramSmoothing.WittenBell)]
    [InlineData(NgramSmoothing.KneserNey)]
    [InlineData(NgramSmoothing.ModifiedKneserNey)]
    public void A_long_document_of_a_large_vocabulary_is_scored_as_each_token_alone_and_the_same_each_time(
        NgramSmoothing smoothing)
    {
        const int vocabulary = 500;
        var random = new Random(3);
        // rare ones are rare
        int Token() => (int)Math.Min(vocabulary - 1, Math.Exp(random.NextDouble() * Math.Log(vocabulary))) - 1;
        int[] training = [.. Enumerable.Range(0, 4000).Select(_ => Token() + 1)],
            held = [.. Enumerable.Range(0, 10_000).Select(_ => Token() + 1)];
        NgramTrie trie = NgramTrie.Count([training], 3);
        using var model = new NgramModel(trie, new() { Order = 3, Smoothing = smoothing }, vocabulary);
        TokenScore[] scores = model.Score([held])[0];
        using (var again = new NgramModel(trie, new() { Order = 3, Smoothing = smoothing }, vocabulary))
            // but where the context is cut
            again.Score([held[..5001], held[5000..]]).SelectMany(row => row).Where((_, i) => i is < 5000 or >= 5002)
                .ShouldBe(scores.Where((_, i) => i is < 5000 or >= 5002));
        foreach (int i in Enumerable.Range(0, 40).Select(_ => random.Next(1, held.Length)))
        {
            double[] all =
                [.. Enumerable.Range(0, vocabulary).Select(token => model.Probability(held.AsSpan(0, i), token))];
            all.Sum().ShouldBe(1, 1e-9);
            scores[i - 1].LogProbability.ShouldBe(Math.Log(all[held[i]]));
            scores[i - 1].IsMostLikely.ShouldBe(all[held[i]] >= all.Max());
        }
        scores.Count(score => score.IsMostLikely).ShouldBeGreaterThan(100);
    }

    [Theory]
    [InlineData(2, 2.486)]
    [InlineData(3, 2.049)]
    [InlineData(4, 1.774)]
    [InlineData(5, 1.669)]
    [InlineData(6, 1.698)]
    public void Tinyshakespeare_gives_the_published_cross_entropies(int order, double published)
    {
        string text = File.ReadAllText(DataFolder.File("tinyshakespeare", "input.txt"));
        int[] ids = CharacterTokenizer.Train([text], byteFallback: false).Encode(text);
        int cut = (int)(ids.Length * 0.9);
        using var model = new NgramModel(NgramTrie.Count([ids.AsMemory(0, cut)], order), new() { Order = order }, 66);
        double nats = -model.Score([ids.AsMemory(cut)])[0].Average(score => score.LogProbability);
        nats.ShouldBe(published, 0.005);
    }

    private static NgramModel Make(NgramSmoothing smoothing, int order) =>
        new(NgramTrie.Count(Corpus.Select(d => (ReadOnlyMemory<int>)d), order),
            new() { Order = order, Smoothing = smoothing }, 8);

    /// <summary>p(w | c) = (n(c, w) + T(c) p(w | c′)) / (n(c) + T(c)), counted afresh each time.</summary>
    private static double Plain(int[] context, int token)
    {
        double shorter = context.Length == 0 ? 1.0 / 8 : Plain(context[1..], token);
        var followers = new List<int>();
        foreach (int[] document in Corpus)
        {
            for (int i = Math.Max(1, context.Length); i < document.Length; i++)
            {
                if (document.AsSpan(i - context.Length, context.Length).SequenceEqual(context))
                    followers.Add(document[i]);
            }
        }
        int types = followers.Distinct().Count();
        return types == 0 ? shorter : (followers.Count(t => t == token) + types * shorter) / (followers.Count + types);
    }

    private static int[][] MakeCorpus()
    {
        var random = new Random(4);
        return [.. Enumerable.Range(0, 12)
            .Select(_ => (int[])[0, .. Enumerable.Range(0, random.Next(1, 15)).Select(_ => random.Next(1, 6)), 0])];
    }
}
