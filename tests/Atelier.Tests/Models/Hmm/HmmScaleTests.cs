using Atelier.Data.Tables;
using Atelier.Evaluation;
using Atelier.Models.Hmm;
using Atelier.Models.Hmm.Inference;
using CsCheck;

namespace Atelier.Tests.Models.Hmm;

/// <summary>The unit that numbers are written in changes nothing but the unit of the answer.</summary>
public class HmmScaleTests
{
    private const int Times = 200;
    private const int Steps = 25;

    [Theory]
    [InlineData(CovarianceShape.Diagonal, 1)]
    [InlineData(CovarianceShape.Diagonal, 2)]
    [InlineData(CovarianceShape.Spherical, 1)]
    [InlineData(CovarianceShape.Full, 1)]
    [InlineData(CovarianceShape.Full, 2)]
    [InlineData(CovarianceShape.Tied, 1)]
    public void Numbers_times_a_factor_give_means_times_it_and_a_likelihood_shifted_by_its_logarithm(
        CovarianceShape covariance, int mixtures) =>
        Gen.Double[-9, 9].Select(exponent => Math.Pow(10, exponent)).Sample(factor =>
        {
            var config = new HmmConfig { Covariance = covariance, MixtureCount = mixtures };
            // A column of one value, and one a hundred thousand times as wide as the other.
            double[] values = TwoRegimes(1, 1e5);
            (HmmModel one, double logOne) = Learn(values, 3, config);
            (HmmModel other, double logOther) = Learn(Array.ConvertAll(values, v => v * factor), 3, config);
            logOther.ShouldBe(logOne - (Times * 3 * Math.Log(factor)), 1e-5 * Times);
            double[] means = Means(one), scaled = Means(other);
            for (int i = 0; i < means.Length; i++)
                (scaled[i] / factor).ShouldBe(means[i], 1e-5 * Math.Abs(means[i]));
        }, iter: 12);

    [Theory]
    [InlineData(1e-9)]
    [InlineData(1e-6)]
    [InlineData(1)]
    [InlineData(1e9)]
    public void Two_regimes_are_found_whatever_the_unit(double unit)
    {
        var random = new SplitMix64(3);
        double[] values = [.. Enumerable.Range(0, Times).Select(t =>
            unit * ((t / 25 % 2 == 0 ? 4 : 9) + random.NextNormal()))];
        (HmmModel model, _) = Learn(values, 1, new HmmConfig());
        double[] means = [.. Means(model).Select(m => m / unit).Order()];
        means[0].ShouldBe(4, 0.5);
        means[1].ShouldBe(9, 0.5);
        int[] path = Viterbi.Run(model, HmmSequence.Of(values, 1)).States;
        Enumerable.Range(0, Times).Count(t => path[t] == path[0] == (t / 25 % 2 == 0)).ShouldBeGreaterThan(Times - 10);
    }

    [Fact]
    public void A_least_variance_is_a_share_of_the_column_s_own()
    {
        ColumnSpread spread = ColumnSpread.Of([1e-7, 3e-7, double.NaN]);
        spread.Mean.ShouldBe(2e-7, 1e-20, "a missing number does not count");
        spread.Deviation.ShouldBe(1e-7, 1e-20);
        spread.LeastVariance(0.01).ShouldBe(1e-16, 1e-22);
        spread.LeastVariance(0).ShouldBeGreaterThan(0);
        ColumnSpread.Of([5e8, 5e8]).Scale.ShouldBe(500);
        ColumnSpread.Of([0, 0]).Scale.ShouldBe(1e-6);
        ColumnSpread.Of([0.1, 0.1, 0.1]).Deviation.ShouldBe(0, "rounding is no spread");
        ColumnSpread.Of([]).Scale.ShouldBe(1e-6);
    }

    private static double[] TwoRegimes(double narrow, double wide)
    {
        var random = new SplitMix64(1);
        var values = new List<double>();
        for (int t = 0; t < Times; t++)
        {
            double regime = t / 20 % 2 == 0 ? 5 : -5;
            values.AddRange([narrow * (regime + random.NextNormal()),
                wide * (regime + random.NextNormal()), 7]);
        }
        return [.. values];
    }

    private static (HmmModel Model, double LogLikelihood) Learn(double[] values, int dimension, HmmConfig config)
    {
        HmmSequence[] data = [HmmSequence.Of(values, dimension)];
        HmmModel model = HmmInitialisation.Create(config, 2, HmmEmission.Gaussian, data, 0, 5);
        for (int i = 0; i < Steps; i++)
            (model, _) = model.Step(data, config);
        return (model, model.LogLikelihoods(data)[0]);
    }

    private static double[] Means(HmmModel model) => model.Emissions.Tensors["means"].Values;
}
