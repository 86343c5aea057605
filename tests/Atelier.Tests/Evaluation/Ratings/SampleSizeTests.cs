using Atelier.Evaluation.Ratings;

namespace Atelier.Tests.Evaluation.Ratings;

public sealed class SampleSizeTests
{
    [Theory]
    [InlineData(0.40, 0.50, 23)] // powerandsamplesize.com, after Connor 1987
    [InlineData(0.15, 0.55, 155)] // a McNemar test with 45 % of discordant pairs and an odds ratio of two
    [InlineData(0.20, 0.00, 194)] // a proportion of 60 % against 50 %
    public void Published_sizes_are_found(double difference, double tieRate, int answers) =>
        SampleSize.Answers(difference, tieRate).ShouldBe(answers);

    [Theory]
    [InlineData(0.1, 0.8)]
    [InlineData(0.2, 0.9)]
    [InlineData(0.3, 0.8)]
    public void The_sign_test_has_the_stated_power_by_the_binomial_distribution(double difference, double power)
    {
        int n = SampleSize.Answers(difference, power: power);
        double p = (1 + difference) / 2, found = 0, log = n * Math.Log(1 - p);
        for (int wins = 0; wins <= n; wins++)
        {
            if (Math.Abs(wins - (n / 2.0)) > 1.959964 * Math.Sqrt(n) / 2)
                found += Math.Exp(log);
            log += Math.Log((n - wins) * p / ((wins + 1) * (1 - p))); // from wins to wins + 1
        }
        found.ShouldBe(power, 0.025);
    }

    [Fact]
    public void More_ties_a_greater_difference_and_less_power_need_fewer_answers()
    {
        SampleSize.Answers(0.1, tieRate: 0.3).ShouldBeLessThan(SampleSize.Answers(0.1));
        SampleSize.Answers(0.2).ShouldBeLessThan(SampleSize.Answers(0.1));
        SampleSize.Answers(0.1, power: 0.7).ShouldBeLessThan(SampleSize.Answers(0.1));
        SampleSize.Answers(0.1, significance: 0.1).ShouldBeLessThan(SampleSize.Answers(0.1));
    }

    [Theory]
    [InlineData(0, 0, 0.8, 0.05)]
    [InlineData(1, 0, 0.8, 0.05)]
    [InlineData(0.2, 0.9, 0.8, 0.05)]
    [InlineData(0.2, 0, 1, 0.05)]
    [InlineData(0.2, 0, 0.8, 0)]
    [InlineData(double.NaN, 0, 0.8, 0.05)]
    public void A_value_out_of_range_is_refused(double difference, double tieRate, double power, double significance) =>
        Should.Throw<ArgumentOutOfRangeException>(() =>
            SampleSize.Answers(difference, tieRate, power, significance));
}
