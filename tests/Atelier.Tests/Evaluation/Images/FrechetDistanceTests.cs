using Atelier.Evaluation;
using Atelier.Evaluation.Images;
using Atelier.Recipes;
using static TorchSharp.torch;

namespace Atelier.Tests.Evaluation.Images;

public sealed class FrechetDistanceTests
{
    [Fact]
    public void Of_normal_distributions_with_axes_in_common_it_is_the_closed_form()
    {
        // Covariances with the same axes commute: |μ₁ − μ₂|² + Σ (σ₁ − σ₂)².
        using var scope = NewDisposeScope();
        (Tensor axes, _) = linalg.qr(randn(5, 5, dtype: ScalarType.Float64, generator: new Generator(3)));
        double[] a = [1, 2, 0.5, 0, 3], b = [2, 2, 0.1, 1, 0];
        Tensor Covariance(double[] deviations) => axes.mul(tensor(deviations).square()).matmul(axes.t());
        Tensor mean = tensor([1.0, 0, 0, 2, 0]), other = zeros(5, dtype: ScalarType.Float64);
        double expected = 5 + a.Zip(b, (x, y) => (x - y) * (x - y)).Sum();
        FrechetDistance.Of(mean, Covariance(a), other, Covariance(b)).ShouldBe(expected, 1e-6);
        FrechetDistance.Of(other, Covariance(b), mean, Covariance(a)).ShouldBe(expected, 1e-6, "it is symmetric");
        FrechetDistance.Of(mean, Covariance(a), mean, Covariance(a)).ShouldBe(0, 1e-6);
    }

    [Fact]
    public void Where_axes_differ_it_is_what_the_matrix_root_by_iteration_gives()
    {
        using var scope = NewDisposeScope();
        Tensor Covariance(ulong seed)
        {
            Tensor x = randn(6, 6, dtype: ScalarType.Float64, generator: new Generator(seed));
            return x.matmul(x.t()).add(eye(6, dtype: ScalarType.Float64));
        }
        Tensor a = Covariance(1), b = Covariance(2), mean = zeros(6, dtype: ScalarType.Float64);
        // The root of the product by the iteration of Denman and Beavers (1976): no eigenvalues.
        Tensor y = a.matmul(b), z = eye(6, dtype: ScalarType.Float64);
        for (int i = 0; i < 40; i++)
            (y, z) = (y.add(z.inverse()).div(2), z.add(y.inverse()).div(2));
        double expected = a.trace().add(b.trace()).sub(y.trace().mul(2)).item<double>();
        FrechetDistance.Of(mean, a, mean, b).ShouldBe(expected, 1e-8);
    }

    [Fact]
    public void Its_interval_covers_the_distance_and_narrows_with_more_pictures()
    {
        using var scope = NewDisposeScope();
        Metric Of(int count)
        {
            Tensor x = randn(count, 4, dtype: ScalarType.Float64, generator: new Generator(1));
            // distance 4 · 0.25
            Tensor y = randn(count, 4, dtype: ScalarType.Float64, generator: new Generator(2)).add(0.5);
            return FrechetDistance.Of(x, y, new EvaluationSection { BootstrapSamples = 100 }, 1);
        }
        Metric few = Of(200), many = Of(5000);
        few.Low.ShouldBeLessThan(few.Value);
        few.High.ShouldBeGreaterThan(few.Value);
        (many.Low, many.High)
            .ShouldSatisfyAllConditions(m => m.Low.ShouldBeLessThan(1), m => m.High.ShouldBeGreaterThan(1),
            m => (m.High - m.Low).ShouldBeLessThan((few.High - few.Low) / 2));
    }
}
