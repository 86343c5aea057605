using Atelier.Evaluation;
using Atelier.Tasks.Text;
using CsCheck;

namespace Atelier.Tests.Evaluation;

public sealed class SampleChecksTests
{
    [Fact]
    public void The_copying_check_agrees_with_trying_every_substring()
    {
        Gen<string> text = Gen.Char['a', 'c'].Array[0, 30].Select(c => new string(c));
        Gen.Select(text.Array[1, 4], text.Array[1, 4]).Sample((samples, training) =>
        {
            CopyingResult result = CopyingResult.Check(samples, training);
            int longest = 0, total = 0, unseen = 0;
            foreach (string sample in samples)
            {
                for (int from = 0; from < sample.Length; from++)
                {
                    for (int length = 1; from + length <= sample.Length; length++)
                    {
                        bool known = training.Any(t =>
                            t.Contains(sample.Substring(from, length), StringComparison.Ordinal));
                        longest = known ? Math.Max(longest, length) : longest;
                        if (length == 8)
                            (total, unseen) = (total + 1, unseen + (known ? 0 : 1));
                    }
                }
            }
            result.LongestRun.ShouldBe(longest);
            result.LongestRunText.Length.ShouldBe(longest);
            (result.NewEightGrams ?? -1).ShouldBe(total == 0 ? -1 : (double)unseen / total, 1e-12);
        }, iter: 500);
    }

    [Fact]
    public void A_shared_run_is_counted_in_whole_characters()
    {
        // 🦊 is U+1F98A and 🦋 U+1F98B: their first halves are the same.
        CopyingResult result = CopyingResult.Check(["x🦊🦊"], ["y🦊🦋"]);
        result.LongestRun.ShouldBe(1);
        result.LongestRunText.ShouldBe("🦊");
        result.NewEightGrams.ShouldBeNull();
    }

    [Fact]
    public void Distinct_n_counts_different_runs_of_words()
    {
        DiversityResult result = DiversityResult.Of(["the cat the cat", "the dog"]);
        result.Distinct1.ShouldBe(3.0 / 6);
        result.Distinct2.ShouldBe(3.0 / 4); // the cat, cat the, the dog
        result.Distinct3.ShouldBe(1);
    }

    [Fact]
    public void Words_are_split_with_and_without_spaces()
    {
        DiversityResult.Words("The fox's 12 dens, 狐狸!")
            .ShouldBe(["The", "fox", "'", "s", "12", "dens", ",", "狐", "狸", "!"]);
    }

    [Fact]
    public void Self_bleu_is_the_mean_of_each_sample_against_the_others()
    {
        DiversityResult.Of(["same words here now", "same words here now"]).SelfBleu.ShouldBe(1, 1e-12);
        DiversityResult.Of(["one two three four", "五 六 七 八"]).SelfBleu.ShouldBe(0);
        // "a b" is in "a b c", but shorter; "a b c" has 2 of 3 words and 1 of 2 pairs, and 0.1 of 1 triples.
        double longer = Math.Exp((Math.Log(2.0 / 3) + Math.Log(1.0 / 2) + Math.Log(0.1)) / 3);
        DiversityResult.Of(["a b", "a b c", ""]).SelfBleu.ShouldBe((Math.Exp(1 - 3.0 / 2) + longer) / 2, 1e-12);
    }

    [Fact]
    public void The_bootstrap_interval_covers_a_known_mean_about_as_often_as_it_says()
    {
        var random = new Random(8);
        int covered = 0;
        const int trials = 300;
        for (int trial = 0; trial < trials; trial++)
        {
            // Documents of 10 tokens, each token's surprise from a uniform distribution on [0, 2): the mean is 1.
            TextScore[] documents = [.. Enumerable.Range(0, 60)
                .Select(_ => new TextScore(Enumerable.Range(0, 10).Sum(_ => 2 * random.NextDouble()), 10, 10, 10, 0))];
            Metric metric = TextMetrics.Of(documents, 300, trial)["crossEntropyPerToken"];
            covered += metric.Low <= 1 && 1 <= metric.High ? 1 : 0;
        }
        ((double)covered / trials).ShouldBeInRange(0.90, 0.985);
    }
}
