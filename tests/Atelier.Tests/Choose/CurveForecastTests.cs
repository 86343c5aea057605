using Atelier.Choose;
using Atelier.Evaluation;

namespace Atelier.Tests.Choose;

public sealed class CurveForecastTests
{
    private static readonly double[] Lengths = [1.0 / 30, 0.1, 0.3]; // of the full training, as trials have

    [Fact]
    public void A_curve_without_noise_is_carried_on_to_its_true_value()
    {
        (double, double, double)[] curves = [(1.2, 8, 0.45), (0.3, 3, 0.6), (2, 20, 0.8)];
        foreach ((double a, double b, double c) in curves)
        {
            double Loss(double steps) => a + (b * Math.Pow(steps, -c));
            var forecast = new CurveForecast([.. Lengths.Select(share => (3000 * share, Loss(3000 * share)))]);
            ForecastLoss full = forecast.At(3000);
            full.Median.ShouldBe(Loss(3000), 0.03 * Loss(3000));
            full.Low.ShouldBeLessThan(Loss(3000));
            full.High.ShouldBeGreaterThan(Loss(3000));
        }
    }

    [Fact]
    public void The_interval_holds_nine_in_ten_of_noisy_curves_of_known_ends()
    {
        var random = new Random(5);
        int held = 0, count = 300;
        double width = 0;
        for (int i = 0; i < count; i++)
        {
            double a = 0.5 + random.NextDouble(), c = 0.3 + (0.5 * random.NextDouble());
            double b = a * (0.3 + random.NextDouble()) * Math.Pow(100, c); // as much again after a hundred steps
            double Noisy(double steps) => (a + (b * Math.Pow(steps, -c))) * Math.Exp(0.007 * Normal(random));
            ForecastLoss full = new CurveForecast([.. Lengths.Select(share => (3000 * share, Noisy(3000 * share)))])
                .At(3000);
            double truth = Noisy(3000);
            held += truth >= full.Low && truth <= full.High ? 1 : 0;
            width += (full.High - full.Low) / full.Median / count;
        }
        (held / (double)count).ShouldBeInRange(0.84, 1);
        width.ShouldBeLessThan(0.25); // an interval that holds everything says nothing
    }

    [Fact]
    public void More_points_and_a_shorter_way_make_the_interval_narrower()
    {
        static double Loss(double steps) => 1 + (6 * Math.Pow(steps, -0.5));
        double Width(int points, double steps)
        {
            (double, double)[] trials = [.. Lengths.Take(points).Select(share => (3000 * share, Loss(3000 * share)))];
            ForecastLoss at = new CurveForecast(trials).At(steps);
            return at.High - at.Low;
        }
        Width(1, 3000).ShouldBeGreaterThan(Width(2, 3000));
        Width(2, 3000).ShouldBeGreaterThan(Width(3, 3000));
        Width(3, 30_000).ShouldBeGreaterThan(Width(3, 3000));
    }

    [Fact]
    public void A_model_that_overfits_is_not_promised_to_improve()
    {
        ForecastLoss full = new CurveForecast([(100, 2.0), (300, 2.05), (900, 2.3)]).At(3000);
        full.Median.ShouldBeInRange(1.9, 2.6);
        full.High.ShouldBeGreaterThan(2.1);
    }

    [Fact]
    public void The_normal_distribution_has_its_published_values()
    {
        SpecialFunctions.NormalDistribution(1.959964).ShouldBe(0.975, 1e-6);
        SpecialFunctions.NormalDistribution(-1).ShouldBe(0.158655, 1e-6);
        SpecialFunctions.NormalQuantile(0.95).ShouldBe(1.644854, 1e-5);
    }

    [Fact]
    public void Metrics_of_which_more_is_better_become_losses_and_come_back()
    {
        var accuracy = new Headline("accuracy", "of the words", MoreIsBetter: true);
        LossScale scale = LossScale.Of(accuracy, 0.92);
        scale.Loss.ShouldBe(0.08, 1e-12);
        Metric expected = scale.ToMetric(new ForecastLoss(0.05, 0.03, 0.1), "share");
        (expected.Value, expected.Low, expected.High).ShouldBe((0.95, 0.9, 0.97));
        LossScale.Of(Headline.CrossEntropy, 1.5).Loss.ShouldBe(1.5);
        var likelihood = new Headline("logLikelihoodPerRow", "nats", MoreIsBetter: true);
        LossScale.Of(likelihood, -11).Loss.ShouldBeGreaterThan(LossScale.Of(likelihood, 0.5).Loss);
        // a poor value of a metric that is no share is not taken for one
        var decibels = new Headline("peakSignalToNoise", "dB", MoreIsBetter: true);
        LossScale.Of(decibels, 0.9).Loss.ShouldBeGreaterThan(LossScale.Of(decibels, 26).Loss);
    }

    private static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(Math.Tau * random.NextDouble());
}
