using Atelier.Abstractions;
using Atelier.Generation;
using Atelier.Generation.Speculative;
using Atelier.TestSupport;
using Atelier.Tokenizers;

namespace Atelier.Runtime.Tests.Generation;

public class SpeculativeDecodingTests
{
    // id 0 ends a text
    private static readonly CharacterTokenizer Letters = CharacterTokenizer.Train(["abcdefgh "], byteFallback: false);
    private static readonly CharacterTokenizer Two = CharacterTokenizer.Train(["ab"], byteFallback: false);

    [Theory]
    [InlineData(0.0, 1.0)]
    [InlineData(1.0, 1.0)]
    [InlineData(0.7, 0.8)]
    public async Task Look_up_gives_the_very_samples_that_are_drawn_without(double temperature, double topP)
    {
        // Few letters and a short context, so that look-up finds something and windows roll.
        using var plain = new TextGenerator(new HistoryModel(3, 5, contextLength: 24, endless: true), Two, new(), 0);
        var options = new DecodingOptions { MaxTokens = 80, Temperature = temperature, TopP = topP };
        var request = new GenerationRequest { Prompt = "abab", Count = 4, Seed = 3, Decoding = options };
        TextSample[] without = await Samples(plain, request);
        TextSample[] with =
            await Samples(plain, request with { Decoding = options with { Lookup = 2, DraftTokens = 3 } });
        with.Select(s => s.Text).ShouldBe(without.Select(s => s.Text));
        with.SelectMany(s => s.Tokens).ShouldBe(without.SelectMany(s => s.Tokens));
        with.Sum(s => s.Speculation.Accepted).ShouldBeGreaterThan(10);
        with.ShouldAllBe(s => s.Speculation.AcceptanceRate >= 0 && s.Speculation.AcceptanceRate <= 1);
        without.ShouldAllBe(s => s.Speculation.AcceptanceRate == null);
    }

    [Fact]
    public async Task Greedy_text_with_a_draft_is_the_greedy_text()
    {
        foreach (int context in (int[])[1 << 20, 20])
        {
            using var generator = new TextGenerator(new HistoryModel(10, 5, context), Letters,
                new() { MaxTokens = 60, Temperature = 0 }, 0);
            var request = new GenerationRequest { Prompt = "abc", Count = 2 };
            TextSample[] without = await Samples(generator, request);
            using var draft = new TextGenerator(new HistoryModel(10, 8, contextLength: 12), Letters, new(), 0);
            generator.Draft = draft;
            (await Samples(generator, request)).Select(s => s.Text).ShouldBe(without.Select(s => s.Text));
        }
    }

    [Fact]
    public async Task A_draft_that_is_the_model_itself_is_always_right()
    {
        using var generator = new TextGenerator(new HistoryModel(10, 5), Letters,
            new() { MaxTokens = 61, TopP = 0.9, Pattern = "[a-h]*" }, 0);
        using var draft = new TextGenerator(new HistoryModel(10, 5), Letters, new(), 0);
        generator.Draft = draft;
        foreach (TextSample sample in await Samples(generator, new() { Count = 3 }))
            sample.Speculation.AcceptanceRate.ShouldBe(1);
    }

    [Theory]
    [InlineData(1.0, 1.0, null)]
    [InlineData(0.6, 0.85, null)]
    [InlineData(1.0, 1.0, "(ab|ba|a)*b?")]
    public async Task Samples_with_a_draft_follow_the_distribution_of_those_without(double temperature, double topP,
        string? pattern)
    {
        // Every text of at most four tokens, with the probability that the model, the filters and the constraint give
        // it.
        var model = new HistoryModel(3, 21);
        var options = new DecodingOptions { MaxTokens = 4, Temperature = temperature, TopP = topP, Pattern = pattern,
            DraftTokens = 3 };
        var expected = new Dictionary<string, double>();
        void Extend(List<int> ids, double probability)
        {
            if (ids.Count == 5 || (ids.Count > 1 && ids[^1] == 0))
            {
                expected[string.Join(',', ids.Skip(1))] = probability;
                return;
            }
            double[] odds = Odds(model.LogitsAfter(ids), ids);
            for (int id = 0; id < 3; id++)
            {
                if (odds[id] > 0)
                    Extend([.. ids, id], probability * odds[id]);
            }
        }
        double[] Odds(float[] logits, List<int> ids)
        {
            string text = string.Concat(ids.Skip(1).Select(id => id == 1 ? 'a' : 'b'));
            double[] odds = [.. logits.Select((l, id) => Allowed(text, id) ? Math.Exp(l / temperature) : 0)];
            double sum = odds.Sum(), held = 0;
            foreach (int id in Enumerable.Range(0, 3).OrderByDescending(id => odds[id]))
            {
                bool kept = held < topP * sum;
                held += odds[id];
                odds[id] = kept ? odds[id] : 0;
            }
            return [.. odds.Select(o => o / odds.Sum())];
        }
        bool Allowed(string text, int id) => pattern is null || (id == 0
            ? System.Text.RegularExpressions.Regex.IsMatch(text, $"^(?:{pattern})$",
                System.Text.RegularExpressions.RegexOptions.NonBacktracking)
            : Enumerable.Range(0, 4).Any(more => new[] { "", "a", "b", "ab" }.Any(end =>
                System.Text.RegularExpressions.Regex.IsMatch(text + (id == 1 ? 'a' : 'b') + end, $"^(?:{pattern})$",
                    System.Text.RegularExpressions.RegexOptions.NonBacktracking))));
        Extend([0], 1);
        expected.Values.Sum().ShouldBe(1, 1e-6);

        using var generator = new TextGenerator(model, Two, options, 0);
        using var draft = new TextGenerator(new HistoryModel(3, 22, spread: 2), Two, new(), 0);
        generator.Draft = draft;
        const int count = 30_000;
        TextSample[] samples = await Samples(generator, new() { Count = count, Seed = 9 });
        var drawn = samples.CountBy(s => string.Join(',', s.Tokens.Select(t => t.Id))).ToDictionary();
        drawn.Keys.ShouldBeSubsetOf(expected.Keys);
        double statistic =
            expected.Sum(e => Math.Pow(drawn.GetValueOrDefault(e.Key) - count * e.Value, 2) / (count * e.Value));
        double freedom = expected.Count - 1;
        // The 0.9999 quantile of chi-squared, by Wilson and Hilferty 1931.
        statistic.ShouldBeLessThan(freedom * Math.Pow(1 - 2 / (9 * freedom) + 3.719 * Math.Sqrt(2 / (9 * freedom)), 3));
        samples.Aggregate(default(SpeculationCounts),
            (sum, s) => sum + s.Speculation).AcceptanceRate!.Value.ShouldBeInRange(0.1, 0.99);
    }

    [Fact]
    public void A_token_comes_exactly_as_often_as_the_model_says_whatever_the_draft_says()
    {
        // All outcomes of the rule, weighed: q(x) min(1, p(x) / q(x)) of the draft's tokens and the rest from max(0, p
        // - q).
        float[] p = [0.1f, 0.6f, 0f, 0.3f], q = [0.4f, 0.2f, 0.3f, 0.1f];
        const int draws = 200_000;
        int[] counts = new int[4];
        var random = new SplitMix64(11);
        for (int i = 0; i < draws; i++)
            counts[SpeculativeSampling.Choose(TokenSampler.Pick(q, random.NextDouble()), p, q, ref random)]++;
        counts[2].ShouldBe(0);
        double statistic = new[] { 0, 1, 3 }.Sum(i => Math.Pow(counts[i] - draws * p[i], 2) / (draws * p[i]));
        statistic.ShouldBeLessThan(18.4); // the 0.9999 quantile with 2 degrees of freedom
    }

    [Fact]
    public async Task Models_of_any_kind_can_be_drafts_and_be_drafted_for()
    {
        // Plain models, that know only of states: tokens are taken back by reading anew.
        MarkovModel chain = MarkovModel.Random(10, 3), small = MarkovModel.Random(10, 4);
        using var generator = new TextGenerator(chain, Letters, new() { MaxTokens = 40, Temperature = 0 }, 0);
        var request = new GenerationRequest { Prompt = "abc", Count = 2 };
        TextSample[] without = await Samples(generator, request);
        using var draft = new TextGenerator(small, Letters, new(), 0);
        generator.Draft = draft;
        (await Samples(generator, request)).Select(s => s.Text).ShouldBe(without.Select(s => s.Text));
    }

    [Fact]
    public async Task What_cannot_be_drafted_is_refused_in_one_line()
    {
        using var generator = new TextGenerator(new HistoryModel(10, 5, forgets: false), Letters,
            new() { MaxTokens = 20, Pattern = "(abc){30}" }, 0);
        (await Should.ThrowAsync<AtelierException>(() =>
            Samples(generator, new() { Decoding = generator.Defaults with { Lookup = 2 } })))
            .ToLine().ShouldContain("cannot undo tokens");
        Should.Throw<AtelierException>(() =>
            generator.Draft = new TextGenerator(new HistoryModel(257, 1), new ByteTokenizer(), new(), 256))
            .ToLine().ShouldContain("the draft model has another vocabulary");
        generator.Draft = new TextGenerator(new HistoryModel(10, 1), Letters, new(), 0);
        await Should.ThrowAsync<AtelierException>(() => Samples(generator, new() { Decoding = new() { Lookup = 2 } }));
    }

    [Fact]
    public void Look_up_proposes_what_followed_the_last_like_tokens()
    {
        int[] proposed = new int[3];
        PromptLookup.Propose([1, 2, 3, 1, 2, 4, 5, 1, 2], 2, proposed).ShouldBe(3);
        proposed.ShouldBe([4, 5, 1]);
        PromptLookup.Propose([7, 7, 7], 2, proposed).ShouldBe(1);
        PromptLookup.Propose([1, 2, 3], 2, proposed).ShouldBe(0);
        PromptLookup.Propose([1, 2], 2, proposed).ShouldBe(0);
    }

    private static async Task<TextSample[]> Samples(TextGenerator generator, GenerationRequest request) =>
        [.. (await generator.GenerateAsync(request).ToListAsync()).OrderBy(s => s.LogProbability)];
}
