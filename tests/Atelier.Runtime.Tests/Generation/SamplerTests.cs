using Atelier.Abstractions;
using Atelier.Generation;

namespace Atelier.Runtime.Tests.Generation;

public class SamplerTests
{
    private static readonly double[] P = [0.02, 0.4, 0.05, 0.25, 0.18, 0.1];

    [Fact]
    public void Plain_sampling_follows_the_models_own_distribution() => Follows(new(), P);

    [Fact]
    public void Temperature_follows_the_power_of_the_distribution() =>
        Follows(new() { Temperature = 0.5 }, [.. P.Select(p => p * p)]);

    [Fact]
    public void Top_k_keeps_the_k_likeliest() =>
        Follows(new() { TopK = 3 }, [0, 0.4, 0, 0.25, 0.18, 0]);

    [Fact]
    public void Top_p_keeps_the_smallest_set_that_holds_the_share() =>
        Follows(new() { TopP = 0.7 }, [0, 0.4, 0, 0.25, 0.18, 0]); // 0.4 + 0.25 = 0.65 is not enough

    [Fact]
    public void Min_p_keeps_what_is_near_the_likeliest() =>
        Follows(new() { MinP = 0.3 }, [0, 0.4, 0, 0.25, 0.18, 0]); // at least 0.12

    [Fact]
    public void Typical_keeps_the_tokens_nearest_the_expected_surprise()
    {
        double entropy = P.Sum(p => -p * Math.Log(p));
        double held = 0;
        double[] expected = new double[P.Length];
        foreach (int i in Enumerable.Range(0, P.Length).OrderBy(i => Math.Abs(-Math.Log(P[i]) - entropy)))
        {
            if (held >= 0.5)
                break;
            held += expected[i] = P[i];
        }
        expected.Count(p => p > 0).ShouldBeInRange(2, 4);
        Follows(new() { TypicalP = 0.5 }, expected);
    }

    [Fact]
    public void Filters_together_cut_one_after_another() =>
        Follows(new() { TopK = 4, TopP = 0.6 }, [0, 0.4, 0, 0.25, 0, 0]); // of 0.93: 0.558 wanted

    [Fact]
    public void Greedy_takes_the_likeliest_and_reports_the_models_own_probability()
    {
        TokenChoice choice = Draw(new() { Temperature = 0 }, 1)[0];
        choice.Id.ShouldBe(1);
        choice.LogProbability.ShouldBe((float)Math.Log(0.4), 1e-5f);
    }

    [Fact]
    public void Penalties_change_logits_as_their_definitions_say()
    {
        var seen = new TokenCounts([0]);
        seen.Add(1);
        seen.Add(1);
        float[] logits = [2f, 3f, -1f];
        seen.Penalize(logits, new() { RepetitionPenalty = 2, PresencePenalty = 0.5, FrequencyPenalty = 0.25 });
        logits.ShouldBe([1f, 3f / 2 - 0.5f - 2 * 0.25f, -1f]);
        float[] negative = [-2f, 0f, 0f];
        new TokenCounts([0]).Penalize(negative, new() { RepetitionPenalty = 2 });
        negative[0].ShouldBe(-4f);
    }

    [Fact]
    public void Stop_strings_are_found_across_pieces_and_what_only_begins_like_one_is_given()
    {
        var stops = new StopStrings(["END", "stop"]);
        string text = stops.Add("an EN") + stops.Add("Dless");
        text.ShouldBe("an ");
        stops.Reached.ShouldBeTrue();
        var other = new StopStrings(["END"]);
        (other.Add("an E") + other.Add("N!") + other.Add("EN") + other.Finish()).ShouldBe("an EN!EN");
    }

    private static TokenChoice[] Draw(DecodingOptions options, int count)
    {
        var sampler = new TokenSampler(options, P.Length);
        float[] logits = [.. P.Select(p => (float)Math.Log(p) - 2)];
        var random = new SplitMix64(7);
        var none = new TokenCounts([]);
        return [.. Enumerable.Range(0, count).Select(_ => sampler.Choose(logits, none, [], ref random))];
    }

    /// <summary>
    /// Pearson's chi-squared test against the expected distribution, at a level of about one in ten thousand.
    /// </summary>
    private static void Follows(DecodingOptions options, double[] weights)
    {
        const int count = 40_000;
        int[] drawn = new int[P.Length];
        foreach (TokenChoice choice in Draw(options, count))
            drawn[choice.Id]++;
        double statistic = 0;
        for (int i = 0; i < P.Length; i++)
        {
            double expected = count * weights[i] / weights.Sum();
            if (expected == 0)
                drawn[i].ShouldBe(0);
            else
                statistic += (drawn[i] - expected) * (drawn[i] - expected) / expected;
        }
        statistic.ShouldBeLessThan(26); // the 0.9999 quantile of chi-squared with 5 degrees of freedom is 25.7
    }
}
