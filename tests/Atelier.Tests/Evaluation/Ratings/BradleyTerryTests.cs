using Atelier.Evaluation.Ratings;
using CsCheck;

namespace Atelier.Tests.Evaluation.Ratings;

public sealed class BradleyTerryTests(ITestOutputHelper output)
{
    private static readonly Gen<double[][]> Matrices = Gen.Int[2, 6].SelectMany(models =>
        Gen.Int[0, 8].Select(count => count / 2.0).Array[models].Array[models].Select(rows =>
        {
            for (int i = 0; i < models; i++)
                rows[i][i] = 0;
            return rows;
        }));

    [Fact]
    public void Scores_and_their_errors_are_those_of_Agrestis_baseball_teams()
    {
        // Agresti 2002, table 10.10; scores and standard errors as R's package BradleyTerry2 prints them
        double[][] wins =
        [
            [0, 7, 9, 7, 7, 9, 11], [6, 0, 7, 5, 11, 9, 9], [4, 6, 0, 7, 7, 8, 12], [6, 8, 6, 0, 6, 7, 10],
            [6, 2, 6, 7, 0, 7, 12], [4, 4, 5, 6, 6, 0, 6], [2, 4, 1, 3, 1, 7, 0],
        ];
        double[] expected = [1.5814, 1.4364, 1.2945, 1.2476, 1.1077, 0.6839];
        double[] errors = [0.3433, 0.3396, 0.3367, 0.3359, 0.3339, 0.3319];
        BradleyTerry fit = BradleyTerry.Fit(Matrix(wins), priorAnswers: 0);
        fit.Scores.Sum().ShouldBe(0, 1e-9);
        for (int team = 0; team < 6; team++)
        {
            (fit.Scores[team] - fit.Scores[6]).ShouldBe(expected[team], 5e-5);
            Math.Sqrt(fit.VarianceOfDifference(team, 6)).ShouldBe(errors[team], 5e-5);
        }
    }

    [Fact]
    public void Two_models_have_scores_in_closed_form()
    {
        WinMatrix wins = Matrix([[0, 3], [1, 0]]);
        BradleyTerry likelihood = BradleyTerry.Fit(wins, priorAnswers: 0);
        (likelihood.Scores[0] - likelihood.Scores[1]).ShouldBe(Math.Log(3), 1e-9);
        likelihood.WinProbability(0, 1).ShouldBe(0.75, 1e-9);
        likelihood.VarianceOfDifference(0, 1).ShouldBe(1 / (4 * 0.75 * 0.25), 1e-9);
        BradleyTerry fit = BradleyTerry.Fit(wins);
        (fit.Scores[0] - fit.Scores[1]).ShouldBe(Math.Log(3.5 / 1.5), 1e-9);
    }

    [Fact]
    public void The_expected_wins_of_each_model_are_its_wins()
    {
        // the derivative of the log-likelihood vanishes (Hunter 2004, equation 2)
        Matrices.Sample(wins =>
        {
            BradleyTerry fit = BradleyTerry.Fit(Matrix(wins));
            double prior = 1.0 / (wins.Length - 1);
            for (int i = 0; i < wins.Length; i++)
            {
                double expected = Enumerable.Range(0, wins.Length).Where(j => j != i)
                    .Sum(j => (wins[i][j] + wins[j][i] + prior) * fit.WinProbability(i, j));
                expected.ShouldBe(wins[i].Sum() + 0.5, 1e-6);
            }
            fit.Scores.ShouldAllBe(score => double.IsFinite(score));
        }, iter: 200);
    }

    [Fact]
    public void Scores_do_not_depend_on_the_order_of_models()
    {
        Gen.Select(Matrices, Gen.Int[0, 1000]).Sample((wins, seed) =>
        {
            int[] order = [.. Enumerable.Range(0, wins.Length)];
            new Random(seed).Shuffle(order);
            BradleyTerry fit = BradleyTerry.Fit(Matrix(wins));
            BradleyTerry other =
                BradleyTerry.Fit(Matrix([.. order.Select(i => order.Select(j => wins[i][j]).ToArray())]));
            for (int i = 0; i < order.Length; i++)
                other.Scores[i].ShouldBe(fit.Scores[order[i]], 1e-7);
        }, iter: 200);
    }

    [Fact]
    public void Win_rates_are_antisymmetric_and_both_sides_of_an_answer_mean_the_same()
    {
        Gen<PairOutcome> outcome = Gen.Select(Gen.Int[0, 3], Gen.Int[1, 3], Gen.Int[0, 2])
            .Select((first, step, twice) => new PairOutcome(first, (first + step) % 4, twice / 2.0));
        outcome.Array[0, 60].Sample(outcomes =>
        {
            string[] models = ["a", "b", "c", "d"];
            WinMatrix wins = WinMatrix.Of(models, outcomes);
            WinMatrix mirrored =
                WinMatrix.Of(models, outcomes.Select(o => new PairOutcome(o.Second, o.First, 1 - o.Share)));
            for (int i = 0; i < 4; i++)
            {
                wins.Rate(i, i).ShouldBeNull();
                for (int j = 0; j < 4; j++)
                {
                    mirrored.Wins[i][j].ShouldBe(wins.Wins[i][j]);
                    if (wins.Rate(i, j) is { } rate)
                        (rate - 0.5).ShouldBe(0.5 - wins.Rate(j, i)!.Value, 1e-12);
                    else
                        wins.Answers(i, j).ShouldBe(0);
                }
            }
        }, iter: 200);
    }

    [Fact]
    public void A_model_without_losses_and_one_without_answers_have_finite_scores()
    {
        WinMatrix wins = Matrix([[0, 20, 0], [0, 0, 0], [0, 0, 0]]);
        BradleyTerry fit = BradleyTerry.Fit(wins);
        fit.Scores.ShouldAllBe(score => Math.Abs(score) < 10);
        fit.Scores[0].ShouldBeGreaterThan(fit.Scores[2]);
        fit.Scores[2].ShouldBeGreaterThan(fit.Scores[1]);
        Should.Throw<ArgumentException>(() => BradleyTerry.Fit(wins, priorAnswers: 0));
        Should.Throw<ArgumentException>(() => BradleyTerry.Fit(Matrix([[0]])));
        Should.Throw<ArgumentException>(() => WinMatrix.Of(["a", "b"], [new(0, 0, 1)]));
    }

    [Fact]
    public void Points_of_400_are_odds_of_ten_to_one()
    {
        ModelScore[] scores =
            [.. BradleyTerry.Rank(["a", "b"], Outcomes(10, 1), samples: 50, priorAnswers: 1e-9)];
        scores.Select(score => score.Model).ShouldBe(["a", "b"]);
        (scores[0].Points.Value - scores[1].Points.Value).ShouldBe(400, 0.001);
        (scores[0].Score.Value - scores[1].Score.Value).ShouldBe(Math.Log(10), 1e-6);
        scores.ShouldAllBe(score => score.Answers == 11);
    }

    [Fact]
    public void Intervals_depend_on_the_seed_alone_and_narrow_with_more_answers()
    {
        var few = BradleyTerry.Rank(["a", "b"], Outcomes(30, 20), 200, seed: 5);
        BradleyTerry.Rank(["a", "b"], Outcomes(30, 20), 200, seed: 5).ShouldBe(few);
        var many = BradleyTerry.Rank(["a", "b"], Outcomes(3000, 2000), 200, seed: 5);
        (many[0].Score.High - many[0].Score.Low).ShouldBe((few[0].Score.High - few[0].Score.Low) / 10, 0.02);
        BradleyTerry.Rank(["a", "b"], [], 20)[0].Score.ShouldBe(new(0, 0, 0, "nats"));
    }

    [Fact]
    public void Intervals_of_95_percent_contain_the_true_scores_of_95_percent()
    {
        // 100 raters with 20 answers each, about six models
        double[] truth = [-1.5, -0.9, -0.3, 0.3, 0.9, 1.5];
        string[] models = [.. truth.Index().Select(model => $"m{model.Index}")];
        const int repetitions = 200;
        var random = new SplitMix64(12);
        int inside = 0;
        for (int i = 0; i < repetitions; i++)
        {
            PairOutcome[] outcomes = Simulation.Outcomes(truth, answers: 2000, ref random);
            foreach (ModelScore score in BradleyTerry.Rank(models, outcomes, samples: 200, seed: i))
            {
                double value = truth[Array.IndexOf(models, score.Model)];
                inside += score.Score.Low <= value && value <= score.Score.High ? 1 : 0;
            }
        }
        double rate = inside / (double)(repetitions * truth.Length);
        output.WriteLine($"coverage {rate:0.0000} of {repetitions * truth.Length} intervals");
        rate.ShouldBeInRange(0.93, 0.97);
    }

    [Fact]
    public void The_information_of_an_answer_is_the_change_of_the_determinant()
    {
        Matrices.Sample(wins =>
        {
            BradleyTerry fit = BradleyTerry.Fit(Matrix(wins));
            double before = LogDeterminant(fit, wins, -1, -1);
            for (int i = 0; i < wins.Length; i++)
            {
                for (int j = i + 1; j < wins.Length; j++)
                    fit.InformationGain(i, j).ShouldBe((LogDeterminant(fit, wins, i, j) - before) / 2, 1e-7);
            }
        }, iter: 100);
    }

    /// <summary>
    /// The log-determinant of the Fisher information of all scores but the last, with one more answer to a pair.
    /// </summary>
    private static double LogDeterminant(BradleyTerry fit, double[][] wins, int first, int second)
    {
        int models = wins.Length, free = models - 1;
        double[,] matrix = new double[free, free];
        for (int i = 0; i < models; i++)
        {
            for (int j = 0; j < models; j++)
            {
                if (i == j)
                    continue;
                bool isMore = (i, j) == (first, second) || (j, i) == (first, second);
                double p = fit.WinProbability(i, j);
                double weight = (wins[i][j] + wins[j][i] + (1.0 / free) + (isMore ? 1 : 0)) * p * (1 - p);
                if (i < free)
                    matrix[i, i] += weight;
                if (i < free && j < free)
                    matrix[i, j] -= weight;
            }
        }
        double log = 0;
        for (int pivot = 0; pivot < free; pivot++)
        {
            log += Math.Log(matrix[pivot, pivot]);
            for (int row = pivot + 1; row < free; row++)
            {
                double factor = matrix[row, pivot] / matrix[pivot, pivot];
                for (int column = pivot; column < free; column++)
                    matrix[row, column] -= factor * matrix[pivot, column];
            }
        }
        return log;
    }

    private static WinMatrix Matrix(double[][] wins) => new([.. wins.Select((_, i) => $"m{i}")], wins);

    private static PairOutcome[] Outcomes(int wins, int losses) =>
        [.. Enumerable.Repeat(new PairOutcome(0, 1, 1), wins), .. Enumerable.Repeat(new PairOutcome(0, 1, 0), losses)];
}
