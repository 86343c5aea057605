using Atelier.Abstractions;
using Atelier.Data.Series;
using Atelier.Evaluation;
using Atelier.Recipes;
using Atelier.Tasks;
using Atelier.Tasks.Series;
using Atelier.Tests.Data;

namespace Atelier.Tests.Evaluation;

public sealed class ComparisonTests
{
    private static readonly Headline More = new("logLikelihoodPerRow", "nats per row", MoreIsBetter: true);

    private static MeanScore[] Rows(IEnumerable<double> values) => [.. values.Select(v => new MeanScore(v, 1))];

    private static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(Math.Tau * random.NextDouble());

    [Fact]
    public void A_small_difference_that_every_row_shares_is_beaten_though_the_intervals_overlap()
    {
        var random = new Random(1);
        double[] hard = [.. Enumerable.Range(0, 200).Select(_ => -10 * random.NextDouble())];
        double[] better = [.. hard.Select(h => h + 0.1 + (0.05 * Normal(random)))];
        MeanScore[] own = Rows(better), other = Rows(hard);
        var comparison = Comparison.Paired(own, other, More, 1000, 1);
        comparison.Outcome.ShouldBe(ComparisonOutcome.Beaten);
        comparison.Difference.Value.ShouldBe(better.Average() - hard.Average(), 1e-12);
        // The interval of a mean of independent differences: 1.96 standard errors to each side.
        double[] differences = [.. better.Zip(hard, (b, h) => b - h)];
        double error =
            1.96 * Math.Sqrt(differences.Average(d => (d - differences.Average()) * (d - differences.Average())) / 200);
        comparison.Difference.Low.ShouldBe(differences.Average() - error, error / 4);
        comparison.Difference.High.ShouldBe(differences.Average() + error, error / 4);
        comparison.PValue!.Value.ShouldBeLessThan(0.002, "no resample of a thousand turns a difference of all rows");
        Comparison.Paired(other, other, More, 1000, 1).PValue.ShouldBe(1);
        var options = new EvaluationSection();
        Comparison.ByIntervals(MeanScore.Mean(own, options, 1, ""), MeanScore.Mean(other, options, 1, ""),
            More).Outcome.ShouldBe(ComparisonOutcome.Undecided);
        Comparison.Paired(other, own, More, 1000, 1).Outcome.ShouldBe(ComparisonOutcome.NotBeaten);
    }

    [Fact]
    public void Two_models_that_are_equally_good_are_called_different_in_about_five_of_a_hundred_data_sets()
    {
        int decided = 0;
        for (int set = 0; set < 200; set++)
        {
            var random = new Random(set);
            double[] rows = [.. Enumerable.Range(0, 60).Select(_ => Normal(random))];
            var comparison = Comparison.Paired(Rows(rows.Select(r => r + Normal(random))),
                Rows(rows.Select(r => r + Normal(random))), More, 300, set);
            decided += comparison.Outcome == ComparisonOutcome.Undecided ? 0 : 1;
        }
        decided.ShouldBeInRange(2, 24);
    }

    [Fact]
    public void Too_few_pieces_decide_nothing_and_one_impossible_row_decides_against_the_model()
    {
        Comparison.Paired(Rows([1, 1, 1, 1, 1]), Rows([0, 0, 0, 0, 0]), More, 100,
            1).Outcome.ShouldBe(ComparisonOutcome.Undecided);
        Comparison.Paired(Rows([1, 1, 1, 1, 1, 1]), Rows([0, 0, 0, 0, 0, 0]), More, 100, 1).ToString()
            .ShouldBe("beaten");
        double[] rows = [.. Enumerable.Repeat(5.0, 49), double.NegativeInfinity];
        Comparison.Paired(Rows(rows), Rows(Enumerable.Repeat(0.0, 50)), More, 100, 1).ToString().ShouldBe("not beaten");
        Comparison.Paired(Rows(rows), Rows(rows), More, 100, 1).ToString().ShouldBe("not beaten: no clear difference");
        Comparison.ByBic(-100, -99).ToString().ShouldBe("not beaten by BIC");
    }

    [Fact]
    public void Counts_are_compared_with_a_distribution_of_counts_whatever_the_columns_are()
    {
        // One column is always 0: a normal distribution there has no bound, Poisson's has.
        double[] Counts(int rows) => [.. Enumerable.Range(0, rows).SelectMany(i => (double[])[i % 4, 0])];
        EvaluationReport report = Judge(isOfCounts: true, Counts(200), Counts(100));
        double mean = ((50 * 6) + 0.5) / 200, zero = 0.5 / 200;
        double expected = new[] { 0, 1, 2, 3 }.Average(n => (n * Math.Log(mean)) - mean - Enumerable.Range(1, n)
            .Sum(k => Math.Log(k))) - zero;
        report.Baselines["independent"]["logLikelihoodPerRow"].Value.ShouldBe(expected, 1e-9);
        report.Baselines["independent"]["freeParameters"].Value.ShouldBe(2);
        report.Notes.ShouldContain(note => note.Contains("Poisson"));
        report.Verdict.ShouldContain("(not beaten)"); // the model says -5 nats a row
    }

    [Fact]
    public void Densities_are_not_compared_where_a_column_never_changes_and_the_reason_is_said()
    {
        double[] Numbers(int rows, double last) =>
            [.. Enumerable.Range(0, rows).SelectMany(i => (double[])[Math.Sin(i), i == rows - 1 ? last : 7])];
        EvaluationReport report = Judge(isOfCounts: false, Numbers(200, 7), Numbers(100, 8));
        report.Baselines.ShouldBeEmpty();
        report.Notes.ShouldContain(note => note.StartsWith("There is no baseline: b never changed"));
        EvaluationReport changing = Judge(isOfCounts: false, Numbers(200, 8), Numbers(100, 8));
        changing.Baselines["independent"]["logLikelihoodPerRow"].Value.ShouldBeInRange(-10, 10);
        changing.Comparisons["independent"].Basis.ShouldBe(ComparisonBasis.Paired);
    }

    private static EvaluationReport Judge(bool isOfCounts, double[] training, double[] test)
    {
        using var folder = new TemporaryFolder();
        static string Csv(IEnumerable<double> values) =>
            "a,b\n" + string.Concat(values.Chunk(2)
            .Select(row => FormattableString.Invariant($"{row[0]:R},{row[1]:R}\n")));
        double share = training.Length / (double)(training.Length + test.Length);
        var section = new DataSection
        {
            Source = folder.Write("s.csv", Csv(training.Concat(test))),
                Split = new SplitSection { Train = share, Validation = 0, Test = 1 - share },
        };
        using var data = SeriesData.Prepare(section, 1, folder["data"]);
        data.Train[0].Length.ShouldBe(training.Length);
        return new SeriesTask()
            .EvaluateAsync(new EvaluationContext(new Flat(isOfCounts), data, new EvaluationSection { Samples = 0 },
            "run", 1, null), null, CancellationToken.None)
            .GetAwaiter().GetResult();
    }

    /// <summary>A model to which every row is as likely: minus five nats.</summary>
    private sealed class Flat(bool isOfCounts) : ITrainedModel, ISeriesModel
    {
        public IReadOnlyList<string> Columns => ["a", "b"];

        public SeriesValues Values => isOfCounts ? SeriesValues.Counts : SeriesValues.Numbers;

        public long FreeParameters => 0;

        public double[] LogLikelihoods(IReadOnlyList<double[]> series, CancellationToken cancellation = default) =>
            [.. series.Select(s => -2.5 * s.Length)];

        public void Dispose()
        {
        }
    }
}
