using Atelier.Data.Images;
using Atelier.Models.Gan;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Models.Gan;

public sealed class GradientPenaltiesTests
{
    [Fact]
    public void A_linear_critic_is_penalised_by_the_length_of_its_weights()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1, CPU);
        Tensor weights = empty(1, 2, 4, 4, ScalarType.Float64).normal_(0, 1, random), real = Pictures(2, random),
            made = Pictures(2, random);
        double length = weights.norm().ToDouble();
        GradientPenalties.Between(Judge, real, made, random).ToDouble().ShouldBe((length - 1) * (length - 1), 1e-9);
        GradientPenalties.AtReal(Judge, real).ToDouble().ShouldBe(length * length, 1e-9);

        Tensor Judge(Tensor x) => x.mul(weights).flatten(1).sum(1);
    }

    [Theory]
    [InlineData(GanNetworks.Dcgan, false)]
    [InlineData(GanNetworks.Dcgan, true)]
    [InlineData(GanNetworks.Residual, false)]
    public void The_gradient_of_the_penalty_is_its_finite_difference(GanNetworks networks, bool spectral)
    {
        using var random = new Generator(2, CPU);
        var config = new GanConfig { Networks = networks, Channels = [8], SpectralNorm = spectral,
            Condition = GanCondition.Projection };
        using var critic =
            new DiscriminatorNetwork(config, new ImageSchema(4, 4, 2, ["a", "b"]), Precision.Fp32, random);
        critic.to(ScalarType.Float64);
        FiniteDifferences.Scramble(critic);
        using Tensor real = Pictures(2, random), made = Pictures(2, random), labels = tensor((long[])[0, 1, 1]);
        // The logits' own loss beside it, so that no parameter is without a gradient: a bias has no say in a slope.
        FiniteDifferences.ShouldMatchGradients(critic, () =>
        {
            using IDisposable recorded = enable_grad();
            using var same = new Generator(3, CPU);
            return GradientPenalties.Between(Judge, real, made, same).add(GradientPenalties.AtReal(Judge, real))
                .add(Judge(real).mean());
        }, elements: 3);

        Tensor Judge(Tensor x) => critic.Forward(x, labels).Logits;
    }

    private static Tensor Pictures(int channels, Generator random) =>
        empty(3, channels, 4, 4, ScalarType.Float64).uniform_(-1, 1, random);
}
