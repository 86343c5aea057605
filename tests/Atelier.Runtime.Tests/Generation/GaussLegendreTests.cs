using Atelier.Generation.Explaining;

namespace Atelier.Runtime.Tests.Generation;

/// <summary>The quadrature of integrated gradients on integrals that are known.</summary>
public sealed class GaussLegendreTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(16)]
    [InlineData(64)]
    public void A_rule_is_exact_for_polynomials_of_twice_its_points_less_one(int count)
    {
        (double[] points, double[] weights) = GaussLegendre.Rule(count);
        points.ShouldBe(points.Order());
        weights.Sum().ShouldBe(1, 1e-13);
        for (int degree = 0; degree < 2 * count; degree++)
            points.Zip(weights, (x, w) => w * Math.Pow(x, degree)).Sum()
                .ShouldBe(1.0 / (degree + 1), 1e-13, $"x^{degree}");
        // and not for the next one, which shows that the check can fail
        if (count <= 5)
            Math.Abs(points.Zip(weights, (x, w) => w * Math.Pow(x, 2 * count)).Sum() - 1.0 / (2 * count + 1))
                .ShouldBeGreaterThan(1e-8);
    }

    [Fact]
    public void A_smooth_function_converges()
    {
        (double[] points, double[] weights) = GaussLegendre.Rule(16);
        points.Zip(weights, (x, w) => w * Math.Exp(x)).Sum().ShouldBe(Math.E - 1, 1e-14);
    }
}
