using Atelier.Models.Gan;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Atelier.Tests.Models.Gan;

public sealed class SpectralNormTests
{
    [Theory]
    [InlineData(new long[] { 8, 20 })]
    [InlineData(new long[] { 16, 3, 4, 4 })]
    [InlineData(new long[] { 1, 30 })]
    public void The_largest_singular_value_of_what_it_gives_is_one(long[] shape)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(5, CPU);
        var weight = new Parameter(empty(shape).normal_(0, 3, random));
        using var norm = new SpectralNorm(() => weight, random);
        for (int i = 0; i < 200; i++)
            norm.Iterate();
        linalg.svdvals(norm.Weight().detach().view(shape[0], -1))[0].ToSingle().ShouldBe(1, 1e-3f);
    }

    [Fact]
    public void It_follows_weights_that_move_by_one_iteration_a_step()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(6, CPU);
        var weight = new Parameter(empty(12, 24).normal_(0, 1, random));
        using var norm = new SpectralNorm(() => weight, random);
        for (int step = 0; step < 100; step++)
        {
            using (no_grad())
                weight.add_(empty(12, 24).normal_(0, 0.01, random));
            norm.Iterate();
        }
        linalg.svdvals(norm.Weight().detach())[0].ToSingle().ShouldBe(1, 0.05f);
    }

    [Fact]
    public void Its_gradient_is_the_finite_difference_though_the_vectors_count_as_constant()
    {
        using var random = new Generator(7, CPU);
        using var layer = new Scaled(random);
        layer.to(ScalarType.Float64);
        using Tensor weights = empty(5, 7, ScalarType.Float64).normal_(0, 1, random);
        FiniteDifferences.ShouldMatchGradients(layer, () => layer.Norm.Weight().mul(weights).sum(), elements: 10);
    }

    private sealed class Scaled : nn.Module
    {
        public Scaled(Generator random)
            : base(nameof(Scaled))
        {
            Weight = new Parameter(empty(5, 7).normal_(0, 1, random));
            Norm = new SpectralNorm(() => Weight, random);
            register_parameter("weight", Weight);
            register_module("norm", Norm);
        }

        [field: ComponentName(Name = "weight")]
        public Parameter Weight { get; }

        public SpectralNorm Norm { get; }
    }
}
