using Atelier.Evaluation.Ratings;

namespace Atelier.Tests.Evaluation.Ratings;

public sealed class PairChooserTests(ITestOutputHelper output)
{
    [Fact]
    public void A_rater_gets_every_pair_once_and_the_same_pair_again_only_as_a_check_with_exchanged_sides()
    {
        Study study = Simulation.Study(models: 4, prompts: 5, checks: 3, checkEvery: 4);
        var chooser = new PairChooser(study);
        var answers = new List<PairAnswer>();
        while (chooser.Next(7, answers) is { } pair)
        {
            pair.Left.PromptId.ShouldBe(pair.Right.PromptId);
            pair.Left.Model.ShouldNotBe(pair.Right.Model);
            (pair.Check == CheckKind.None || (answers.Count + 1) % 4 == 0).ShouldBeTrue();
            answers.Add(Simulation.Answer(answers.Count + 1, 7, pair, PairChoice.Left));
            answers.Count.ShouldBeLessThan(1000);
        }
        PairAnswer[] asked = [.. answers.Where(a => a.Check == CheckKind.None)];
        asked.Select(a => a.Pair).Distinct().Count().ShouldBe(5 * 4 * 3 / 2);
        asked.Length.ShouldBe(5 * 4 * 3 / 2);
        answers.Count(a => a.Check == CheckKind.KnownWorse).ShouldBe(3);
        PairAnswer[] repeated = [.. answers.Where(a => a.Check == CheckKind.Repeat)];
        repeated.Length.ShouldBeGreaterThan(3);
        repeated.Select(a => a.Pair).Distinct().Count().ShouldBe(repeated.Length);
        foreach (PairAnswer repeat in repeated)
        {
            PairAnswer first = asked.Single(a => a.Pair == repeat.Pair);
            (first.Left, first.Right).ShouldBe((repeat.Right, repeat.Left));
            (repeat.Id - first.Id).ShouldBeGreaterThan(3);
        }
    }

    [Fact]
    public void Every_model_and_every_check_stands_on_both_sides_equally_often()
    {
        Study study = Simulation.Study(models: 3, prompts: 30, checks: 20, checkEvery: 5);
        double[] equal = new double[3];
        List<PairAnswer> answers =
            Simulation.Run(study, [.. Enumerable.Repeat(Simulation.Honest(equal), 40)], questions: 30, seed: 3);
        foreach (string model in (string[])["m0", "m1", "m2", "good"])
        {
            bool Is(string id) => id.StartsWith(model + "-", StringComparison.Ordinal);
            PairAnswer[] shown = [.. answers.Where(a => a.Check != CheckKind.Repeat && (Is(a.Left) || Is(a.Right)))];
            double left = shown.Count(a => Is(a.Left)) / (double)shown.Length;
            output.WriteLine($"{model}: {left:0.000} of {shown.Length} on the left");
            left.ShouldBe(0.5, 4 * 0.5 / Math.Sqrt(shown.Length)); // four standard deviations
        }
    }

    [Fact]
    public void The_model_with_few_answers_is_asked_about_first()
    {
        Study study = Simulation.Study(models: 3, prompts: 40);
        var answers = new List<PairAnswer>();
        StudyItem[] items = [.. study.Items];
        for (int prompt = 0; prompt < 40; prompt++)
        {
            for (int rater = 100; rater < 103; rater++)
            {
                var pair = new RatedPair(items[3 * prompt], items[(3 * prompt) + 1], CheckKind.None);
                answers.Add(Simulation.Answer(answers.Count + 1, rater, pair,
                    rater % 2 == 0 ? PairChoice.Left : PairChoice.Right));
            }
        }
        var chooser = new PairChooser(study);
        var partners = new List<string>();
        for (int rater = 1; rater <= 30; rater++)
        {
            RatedPair pair = chooser.Next(rater, answers)!;
            string[] models = [pair.Left.Model, pair.Right.Model];
            models.ShouldContain("m2");
            partners.Add(models.Single(model => model != "m2"));
        }
        partners.ShouldContain("m0");
        partners.ShouldContain("m1");
    }

    [Fact]
    public void Chosen_pairs_teach_more_than_random_ones()
    {
        double[] scores = [-3, -1.5, 0, 1.5, 3];
        Study study = Simulation.Study(models: 5, prompts: 30, seed: 4);
        List<PairAnswer> answers =
            Simulation.Run(study, [.. Enumerable.Repeat(Simulation.Honest(scores), 20)], questions: 30, seed: 1);
        var index = new StudyIndex(study);
        WinMatrix chosen = WinMatrix.Of(study.Models, index.Outcomes(answers));
        var random = new SplitMix64(2);
        WinMatrix drawn = WinMatrix.Of(study.Models, Simulation.Outcomes(scores, answers.Count, ref random));
        double ofChosen = MeanVariance(BradleyTerry.Fit(chosen)), ofDrawn = MeanVariance(BradleyTerry.Fit(drawn));
        output.WriteLine($"mean variance of differences: {ofChosen:0.0000} chosen, {ofDrawn:0.0000} at random");
        ofChosen.ShouldBeLessThan(0.9 * ofDrawn);
        // neighbours are harder to tell apart than the ends
        chosen.Answers(1, 2).ShouldBeGreaterThan(3 * chosen.Answers(0, 4));
    }

    [Fact]
    public void The_choice_depends_on_the_seed_the_rater_and_the_answers_alone()
    {
        Study study = Simulation.Study(models: 4, prompts: 20, seed: 1);
        RatedPair[] Firsts(Study of) => [.. Enumerable.Range(1, 10).Select(r => new PairChooser(of).Next(r, [])!)];
        Firsts(study).ShouldBe(Firsts(study));
        Firsts(study).Distinct().Count().ShouldBeGreaterThan(7);
        Firsts(study with { Seed = 2 }).ShouldNotBe(Firsts(study));
    }

    [Fact]
    public void Without_checks_nothing_is_repeated()
    {
        Study study = Simulation.Study(models: 2, prompts: 6, checks: 2, checkEvery: 0);
        List<PairAnswer> answers = Simulation.Run(study, [Simulation.Random()], questions: 6, seed: 1);
        answers.ShouldAllBe(answer => answer.Check == CheckKind.None);
        new PairChooser(study).Next(1, answers).ShouldBeNull();
        Should.Throw<AtelierException>(() => new PairChooser(Simulation.Scales(2, 2)));
    }

    [Fact]
    public void Outputs_are_valued_equally_often_and_once_by_each_rater()
    {
        Study study = Simulation.Scales(models: 2, prompts: 3);
        var chooser = new ItemChooser(study);
        var answers = new List<ScaleAnswer>();
        for (int rater = 1; rater <= 4; rater++)
        {
            for (int question = 0; question < 12; question++)
            {
                StudyItem item = chooser.Next(rater, answers)!;
                string rubric = question % 2 == 0 ? "fluency" : "truth";
                answers.ShouldNotContain(a => a.Rater == rater && a.Item == item.Id && a.Rubric == rubric);
                answers.Add(new(answers.Count, rater, item.Id, rubric, 3, null, 1, DateTimeOffset.UnixEpoch));
                if (rubric == "fluency")
                    chooser.Next(rater, answers)!.Id.ShouldBe(item.Id, "an output is completed first");
            }
            chooser.Next(rater, answers).ShouldBeNull();
        }
        answers.CountBy(a => a.Item).ShouldAllBe(count => count.Value == 8);
        Should.Throw<AtelierException>(() => new ItemChooser(Simulation.Study(2, 2)));
    }

    private static double MeanVariance(BradleyTerry fit) =>
        (from i in Enumerable.Range(0, fit.Models.Count)
         from j in Enumerable.Range(0, i)
         select fit.VarianceOfDifference(i, j)).Average();
}
