using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Evaluation.Ratings;
using Atelier.Tests.Data;

namespace Atelier.Tests.Evaluation.Ratings;

public sealed class RatingReportTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_report_holds_scores_wins_agreement_raters_and_needed_answers()
    {
        using RatingStore store = Answered();
        RatingReport report = RatingReport.Create(store, new() { BootstrapSamples = 100 });
        IReadOnlyList<PairAnswer> answers = store.PairAnswers();
        PairAnswer[] counted = [.. answers.Where(answer => answer.Check == CheckKind.None)];
        (report.Raters, report.Answers, report.Study).ShouldBe((12, counted.Length, "simulated"));
        report.TieRate.ShouldBe(counted.Count(answer => answer.Preferred is null) / (double)counted.Length);
        report.Scores.Select(score => score.Model).ShouldBe(["m2", "m1", "m0"]);
        report.Scores.ShouldAllBe(score => score.Score.Low < score.Score.Value && score.Score.Value < score.Score.High);
        report.Scores.Sum(score => score.Answers).ShouldBe(2 * counted.Length);
        report.Wins!.Wins.Sum(row => row.Sum()).ShouldBe(counted.Length);
        report.Agreement.ShouldHaveSingleItem().Alpha!.Value.ShouldBeInRange(0.2, 0.9);
        report.Judgements.Count.ShouldBe(12);
        report.Judgements.Where(rater => rater.Verdict == RaterVerdict.Suspicious)
            .ShouldHaveSingleItem().Name.ShouldBe("rater 1");
        report.Needed.Count.ShouldBe(3);
        report.Needed.ShouldAllBe(pair => pair.More == Math.Max(0, pair.Needed - pair.Answers)
            && pair.Needed == SampleSize.Answers(0.1, report.TieRate, 0.8, 0.05));

        JsonObject json = JsonNode.Parse(report.ToJson())!.AsObject();
        json["scores"]![0]!["points"]!["value"]!.GetValue<double>().ShouldBe(report.Scores[0].Points.Value);
        json["kind"]!.GetValue<string>().ShouldBe("pairwise");
        json["wins"]!["wins"]![2]![0]!.GetValue<double>().ShouldBe(report.Wins.Wins[2][0]);
        json["judgements"]![0]!["verdict"]!.GetValue<string>().ShouldBe("suspicious");
        json["agreement"]![0]!["level"]!.GetValue<string>().ShouldBe("nominal");
        RatingReport.Create(store, new() { BootstrapSamples = 100 }).ToJson().ShouldBe(report.ToJson());
    }

    [Fact]
    public void Suspicious_raters_are_left_out_on_request()
    {
        using RatingStore store = Answered();
        RatingReport all = RatingReport.Create(store, new() { BootstrapSamples = 20 });
        RatingReport rest = RatingReport.Create(store, new() { BootstrapSamples = 20, LeaveOutSuspicious = true });
        rest.Answers.ShouldBe(all.Answers - all.Judgements[0].Answers);
        rest.Notes.ShouldContain("1 suspicious rater left out.");
        rest.Agreement[0].Alpha!.Value.ShouldBeGreaterThan(all.Agreement[0].Alpha!.Value);
    }

    [Fact]
    public void Raters_who_always_prefer_the_same_model_agree_perfectly()
    {
        using RatingStore store = RatingStore.Create(_folder["agreed"], Simulation.Study(2, 5));
        foreach (long rater in (long[])[store.AddRater("Ada").Rater.Id, store.AddRater("Bob").Rater.Id])
        {
            for (int prompt = 0; prompt < 5; prompt++)
            {
                string left = (prompt + rater) % 2 == 0 ? "m0" : "m1", right = left == "m0" ? "m1" : "m0";
                store.AddPairAnswer(rater, $"{left}-{prompt}", $"{right}-{prompt}",
                    left == "m1" ? PairChoice.Left : PairChoice.Right, 1);
            }
        }
        AgreementFigures agreement =
            RatingReport.Create(store, new() { BootstrapSamples = 10 }).Agreement.ShouldHaveSingleItem();
        (agreement.Units, agreement.Alpha, agreement.FleissKappa, agreement.CohenKappa).ShouldBe((5, 1, 1, 1));
    }

    [Fact]
    public void A_study_without_answers_has_a_report()
    {
        using RatingStore store = RatingStore.Create(_folder["empty"], Simulation.Study(3, 2));
        store.AddRater("Ada");
        RatingReport report = RatingReport.Create(store);
        report.Scores.ShouldAllBe(score => score.Score.Value == 0);
        report.Judgements.ShouldHaveSingleItem().Verdict.ShouldBe(RaterVerdict.Undecided);
        report.Agreement[0].Alpha.ShouldBeNull();
        report.Needed.ShouldAllBe(pair => pair.Needed == 783 && pair.WinRate == null);
        JsonNode.Parse(report.ToJson()).ShouldNotBeNull();
    }

    [Fact]
    public void Two_raters_of_scales_have_means_and_all_agreements()
    {
        using RatingStore store = RatingStore.Create(_folder["scales"], Simulation.Scales(2, 4));
        long[] raters = [store.AddRater("Ada").Rater.Id, store.AddRater("Bob").Rater.Id];
        int[][] values = [[1, 4, 2, 5, 1, 3, 2, 5], [1, 4, 3, 5, 2, 3, 2, 4]];
        foreach ((int number, long rater) in raters.Index())
        {
            foreach ((int item, StudyItem each) in store.Study.Items.Index())
                store.AddScaleAnswer(rater, each.Id, "fluency", values[number][item], 1);
        }
        store.AddScaleAnswer(raters[0], "m0-0", "truth", 7, 1, "so, so");
        RatingReport report = RatingReport.Create(store, new() { BootstrapSamples = 200 });
        (report.Raters, report.Answers, report.Kind).ShouldBe((2, 17, StudyKind.Scale));
        report.Scales.Select(s => (s.Model, s.Rubric, s.Value.Value, s.Answers))
            .ShouldBe([("m1", "fluency", 4.125, 8), ("m0", "fluency", 1.75, 8), ("m0", "truth", 7, 1)]);
        report.Scales[0].Value.Low.ShouldBeInRange(3, 4.1);
        AgreementFigures fluency = report.Agreement[0];
        double[][] units = [.. values[0].Zip(values[1], (a, b) => (double[])[a, b])];
        fluency.Alpha.ShouldBe(Agreement.KrippendorffAlpha(units, MeasurementLevel.Ordinal));
        fluency.AlphaInterval.ShouldBe(Agreement.KrippendorffAlpha(units, MeasurementLevel.Interval));
        fluency.CohenKappa.ShouldBe(Agreement.CohenKappa(values[0], values[1]));
        fluency.FleissKappa.ShouldNotBeNull();
        (report.Agreement[1].Units, report.Agreement[1].Alpha).ShouldBe((0, null));

        using var writer = new StringWriter();
        RatingExport.WriteAnswers(store, writer);
        string[] lines = writer.ToString().Split('\n');
        lines[0].ShouldBe("answer,rater,name,prompt,item,model,rubric,value,reason,seconds,time");
        lines[17].ShouldStartWith("17,1,Ada,p0,m0-0,m0,truth,7,\"so, so\",1,");
        Should.Throw<AtelierException>(() => RatingExport.WritePreferences(store, writer));
    }

    [Fact]
    public void Answers_are_exported_as_a_table()
    {
        using RatingStore store = Answered();
        using var writer = new StringWriter();
        RatingExport.WriteAnswers(store, writer);
        string[] lines = writer.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines[0].ShouldBe("answer,rater,name,prompt,left,leftModel,right,rightModel,choice,preferred,preferredModel,"
            + "check,reason,seconds,time");
        lines.Length.ShouldBe(1 + store.PairAnswers().Count);
        foreach ((string line, PairAnswer answer) in lines.Skip(1).Zip(store.PairAnswers()))
        {
            string[] cells = line.Split(',');
            cells.Length.ShouldBe(15);
            (cells[4], cells[6], cells[9]).ShouldBe((answer.Left, answer.Right, answer.Preferred ?? ""));
            cells[8].ShouldBe(answer.Choice.ToString(), StringCompareShould.IgnoreCase);
            cells[13].ShouldBe("1.5");
        }
    }

    [Fact]
    public void Preferences_are_exported_as_trainers_read_them()
    {
        using RatingStore store = Answered();
        using var writer = new StringWriter();
        int written = RatingExport.WritePreferences(store, writer);
        PairAnswer[] decided =
            [.. store.PairAnswers().Where(a => a.Check == CheckKind.None && a.Preferred is not null)];
        string[] lines = writer.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        (lines.Length, written).ShouldBe((decided.Length, decided.Length));
        foreach ((string line, PairAnswer answer) in lines.Zip(decided))
        {
            Dictionary<string, string> pair = JsonSerializer.Deserialize<Dictionary<string, string>>(line)!;
            pair.Keys.ShouldBe(["prompt", "chosen", "rejected"]);
            StudyItem chosen = store.Study.Items.Single(item => item.Id == answer.Preferred);
            (pair["prompt"], pair["chosen"]).ShouldBe((chosen.Prompt, chosen.Text));
            pair["rejected"].ShouldNotBe(pair["chosen"]);
        }
        using var fewer = new StringWriter();
        RatingExport.WritePreferences(store, fewer, new HashSet<long> { 1 })
            .ShouldBe(decided.Count(answer => answer.Rater != 1));
    }

    /// <summary>A store of three models and twelve raters, of whom the first always answers left.</summary>
    private RatingStore Answered()
    {
        Study study = Simulation.Study(models: 3, prompts: 8, checks: 3, checkEvery: 6);
        RatingStore store = RatingStore.Create(_folder["study.ratings"], study);
        var chooser = new PairChooser(study);
        Simulation.AnswerPair honest = Simulation.Honest([-2.5, 0, 2.5]);
        var random = new SplitMix64(3);
        var answers = new List<PairAnswer>();
        for (int rater = 1; rater <= 12; rater++)
        {
            long id = store.AddRater($"rater {rater}").Rater.Id;
            for (int question = 0; question < 18; question++)
            {
                RatedPair pair = chooser.Next(id, answers)!;
                PairChoice choice = honest(pair, ref random);
                answers.Add(store.AddPairAnswer(id, pair.Left.Id, pair.Right.Id,
                    rater == 1 ? PairChoice.Left : choice, 1.5));
                answers[^1].Check.ShouldBe(pair.Check);
            }
        }
        return store;
    }
}
