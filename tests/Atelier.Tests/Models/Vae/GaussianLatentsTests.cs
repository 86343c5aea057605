using Atelier.Models.Vae;
using Atelier.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Atelier.Tests.Models.Vae;

/// <summary>A grid of latents beside a vector at each place by itself.</summary>
public sealed class GaussianLatentsTests
{
    private const int Batch = 2, Channels = 5, Rows = 3, Columns = 2, Size = 4, Classes = 2;

    [Fact]
    public void A_grid_of_latents_is_a_vector_at_each_place_and_its_divergence_their_sum()
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        using var random = new Generator(1, CPU);
        var config = new VaeConfig { LatentSize = Size, PriorComponents = 0 };
        using var vector = new GaussianLatents(config, [Channels], Classes, Precision.Fp32, random);
        using var grid = new GaussianLatents(config with { Latents = LatentsKind.Grid }, [Channels, Rows, Columns],
            Classes, Precision.Fp32, random);
        FiniteDifferences.Scramble(vector);
        foreach ((Parameter from, Parameter to) in vector.parameters().Zip(grid.parameters()))
            to.copy_(from.view(to.shape)); // a product is a convolution of 1 × 1
        Tensor features = empty(Batch, Channels, Rows, Columns).normal_(0, 1, random), labels = tensor((long[])[1, 0]);
        Tensor alone = features.permute(0, 2, 3, 1).reshape(-1, Channels),
            classes = labels.repeat_interleave(Rows * Columns);

        Tensor mean = grid.Mean(features, labels);
        mean.shape.ShouldBe([Batch, Size, Rows, Columns]);
        Same(mean.permute(0, 2, 3, 1).reshape(-1, Size), vector.Mean(alone, classes));
        Posterior posterior = grid.Posterior(features, labels, random);
        Same(posterior.Divergence, vector.Posterior(alone, classes, random).Divergence.view(Batch, -1).sum([1]));
        posterior.Penalty.item<float>().ShouldBe(posterior.Divergence.mean().item<float>(), 1e-3f);
        Same(grid.Features(mean, labels).permute(0, 2, 3, 1).reshape(-1, Channels),
            vector.Features(vector.Mean(alone, classes), classes));
        grid.Sample(arange(grid.NoiseSize, ScalarType.Float32).view(1, -1),
            null).shape.ShouldBe([1, Size, Rows, Columns]);

        static void Same(Tensor one, Tensor other) => one.sub(other).abs().max().item<float>().ShouldBeLessThan(1e-4f);
    }
}
