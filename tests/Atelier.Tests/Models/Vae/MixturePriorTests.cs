using Atelier.Models.Vae;
using static TorchSharp.torch;

namespace Atelier.Tests.Models.Vae;

/// <summary>The fitted prior beside distributions that are known.</summary>
public sealed class MixturePriorTests
{
    [Fact]
    public void Two_far_clusters_of_a_class_are_found_and_drawn_as_they_were()
    {
        using var random = new Generator(1, CPU);
        using var prior = new MixturePrior(classes: 2, components: 2, size: 2);
        Tensor shape = tensor((float[])[0.5f, 0f, 0.4f, 0.2f]).view(2, 2); // L of both clusters' covariance
        Tensor near = randn([3000, 2], generator: random).matmul(shape.t()).add(tensor((float[])[4f, -1f]));
        Tensor far = randn([1000, 2], generator: random).matmul(shape.t()).sub(tensor((float[])[4f, -1f]));
        prior.Fit(cat([near, far]), ones(4000, ScalarType.Int64));

        Tensor drawn = prior.Sample(randn([20_000, 3], generator: random), ones(20_000, ScalarType.Int64));
        Tensor right = drawn.index_select(0, drawn.select(1, 0).gt(0).nonzero().flatten());
        (right.shape[0] / 20_000.0).ShouldBe(0.75, 0.02);
        right.mean([0]).sub(tensor((float[])[4f, -1f])).abs().max().item<float>().ShouldBeLessThan(0.05f);
        right.t().cov().sub(shape.matmul(shape.t())).abs().max().item<float>().ShouldBeLessThan(0.02f);

        Tensor other = prior.Sample(randn([20_000, 3], generator: random), zeros(20_000, ScalarType.Int64));
        other.mean().item<float>()
            .ShouldBe(0, 0.02f, "the class without pictures keeps its standard normal distribution");
        other.std().item<float>().ShouldBe(1, 0.02f);
    }

    [Fact]
    public void Its_density_is_the_sum_over_its_components()
    {
        using var random = new Generator(2, CPU);
        using var prior = new MixturePrior(classes: 1, components: 3, size: 2);
        prior.Fit(randn([500, 2], generator: random).mul(tensor((float[])[2f, 0.5f])), null);
        Dictionary<string, Tensor> state = prior.state_dict();
        float[] w = [.. state["weights"].data<float>()], m = [.. state["means"].data<float>()],
            l = [.. state["factors"].data<float>()];
        (double x, double y) = (0.7, -0.3);
        double sum = 0;
        for (int k = 0; k < 3; k++)
        {
            // L⁻¹ (z − μ) by substitution.
            double first = (x - m[2 * k]) / l[4 * k],
                second = (y - m[(2 * k) + 1] - (l[(4 * k) + 2] * first)) / l[(4 * k) + 3];
            sum += w[k] * Math.Exp(-0.5 * ((first * first) + (second * second))) / (l[4 * k] * l[(4 * k) + 3]);
        }
        prior.LogDensity(tensor((float[])[0.7f, -0.3f]).view(1, 2), null).item<float>()
            .ShouldBe((float)Math.Log(sum), 1e-4f);
    }
}
