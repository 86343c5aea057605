using Atelier.Evaluation.Ratings;

namespace Atelier.Tests.Evaluation.Ratings;

public sealed class RandomRatersTests(ITestOutputHelper output)
{
    private static readonly double[] Scores = [-1.5, -0.9, -0.3, 0.3, 0.9, 1.5];

    [Fact]
    public void Most_random_raters_are_found_and_hardly_any_honest_one()
    {
        // two studies of 100 raters with 64 questions each, eight of them checks; every tenth rater is random
        int random = 0, honest = 0, trusted = 0;
        const int studies = 2;
        for (int study = 0; study < studies; study++)
        {
            Simulation.AnswerPair[] raters = [.. Enumerable.Range(0, 100)
                .Select(i => i % 10 == 0 ? Simulation.Random() : Simulation.Honest(Scores))];
            foreach (RaterJudgement rater in Judge(raters, questions: 64, (ulong)study))
            {
                bool isRandom = (rater.Rater - 1) % 10 == 0;
                random += isRandom && rater.Verdict == RaterVerdict.Suspicious ? 1 : 0;
                honest += !isRandom && rater.Verdict == RaterVerdict.Suspicious ? 1 : 0;
                trusted += !isRandom && rater.Verdict == RaterVerdict.Reliable ? 1 : 0;
                rater.Checks.ShouldBe(8);
                rater.Answers.ShouldBe(56);
                (rater.Verdict == RaterVerdict.Suspicious).ShouldBe(rater.PValue < 0.01);
            }
        }
        output.WriteLine($"flagged: {random} of {10 * studies} random raters, {honest} of {90 * studies} honest ones; "
            + $"{trusted} honest raters are reliable");
        random.ShouldBeGreaterThanOrEqualTo((int)(0.7 * 10 * studies));
        honest.ShouldBeLessThanOrEqualTo((int)(0.02 * 90 * studies));
        trusted.ShouldBeGreaterThan((int)(0.75 * 90 * studies));
    }

    [Fact]
    public void A_rater_who_always_answers_left_is_found_by_side_and_by_checks()
    {
        Simulation.AnswerPair left = (_, ref _) => PairChoice.Left;
        RaterJudgement rater = Judge([left, .. Honest(19)], questions: 40, seed: 5)[0];
        rater.Left.ShouldBe(rater.Decided);
        rater.SidePValue!.Value.ShouldBe(Math.Pow(2, 1 - rater.Decided), 1e-12);
        rater.FailedChecks.ShouldBeGreaterThan(0);
        rater.Verdict.ShouldBe(RaterVerdict.Suspicious);
    }

    [Fact]
    public void A_rater_who_never_decides_is_found_by_checks()
    {
        Simulation.AnswerPair tie = (_, ref _) => PairChoice.Tie;
        RaterJudgement rater = Judge([tie, .. Honest(19)], questions: 32, seed: 6)[0];
        (rater.Decided, rater.Checks, rater.FailedChecks).ShouldBe((0, 4, 4));
        (rater.LikelihoodPValue, rater.CoinPValue, rater.SidePValue).ShouldBe((null, null, null));
        rater.CheckPValue!.Value.ShouldBe(1e-4, 1e-12); // four lapses of one in ten
        rater.PValue.ShouldBe(1e-4, 1e-12);
        rater.Verdict.ShouldBe(RaterVerdict.Suspicious);
    }

    [Fact]
    public void A_careless_but_honest_rater_and_one_with_few_answers_are_not_taken_for_random()
    {
        Simulation.AnswerPair honest = Simulation.Honest(Scores);
        Simulation.AnswerPair careless = (pair, ref random) => // one answer in four at random
            pair.Check == CheckKind.None && random.Next(4) == 0
                ? (PairChoice)random.Next(2) : honest(pair, ref random);
        var judged = Judge([.. Enumerable.Repeat(careless, 20), .. Honest(40)], questions: 50, seed: 7);
        judged.Take(20).Count(rater => rater.Verdict == RaterVerdict.Suspicious).ShouldBeLessThan(3);
        Judge([.. Honest(10)], questions: 3, seed: 8)
            .ShouldAllBe(rater => rater.Verdict == RaterVerdict.Undecided && rater.CheckPValue == null);
        RandomRaters.Judge(Simulation.Study(2, 2), Simulation.Raters(1), []).ShouldHaveSingleItem().PValue.ShouldBe(1);
    }

    [Fact]
    public void The_tails_of_a_sum_are_those_of_all_its_outcomes()
    {
        (double Weight, double Probability, bool Occurred)[] events =
            [(0.5, 0.7, true), (1.25, 0.6, false), (0, 0.5, true), (2, 0.9, true), (0.75, 0.2, false)];
        double sum = events.Where(e => e.Occurred).Sum(e => e.Weight), atMost = 0, atLeast = 0;
        for (int outcome = 0; outcome < 1 << events.Length; outcome++)
        {
            double probability = 1, total = 0;
            foreach ((int i, var e) in events.Index())
            {
                bool occurs = (outcome >> i & 1) == 1;
                probability *= occurs ? e.Probability : 1 - e.Probability;
                total += occurs ? e.Weight : 0;
            }
            atMost += total <= sum ? probability : 0;
            atLeast += total >= sum ? probability : 0;
        }
        var tails = BernoulliSum.Tails(events);
        tails.AtMost.ShouldBe(atMost, 1e-12);
        tails.AtLeast.ShouldBe(atLeast, 1e-12);
    }

    private static IEnumerable<Simulation.AnswerPair> Honest(int count) =>
        Enumerable.Repeat(Simulation.Honest(Scores), count);

    private static IReadOnlyList<RaterJudgement> Judge(Simulation.AnswerPair[] raters, int questions, ulong seed)
    {
        Study study = Simulation.Study(models: 6, prompts: 12, checks: 6, checkEvery: 8, seed: (long)seed);
        return RandomRaters.Judge(study, Simulation.Raters(raters.Length),
            Simulation.Run(study, raters, questions, seed));
    }
}
