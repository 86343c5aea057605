using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Layers;
using Atelier.Models.Diffusion;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Models.Diffusion;

/// <summary>
/// The transformer's parts beside closed forms and finite differences, and that it heeds what it is told.
/// </summary>
public sealed class DiffusionTransformerTests
{
    [Fact]
    public void A_fresh_block_gives_its_input_back_and_a_fresh_network_answers_zero()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1, CPU);
        using var product = new AttentionProduct(causal: false);
        using var block = new DiffusionBlock(hiddenSize: 16, headCount: 2, product, Precision.Fp32, random);
        Tensor x = empty(3, 5, 16).normal_(0, 1, random), told = empty(3, 16).normal_(0, 1, random);
        block.Forward(x, told).sub(x).abs().max().item<float>().ShouldBe(0);
        FiniteDifferences.Scramble(block);
        block.Forward(x, told).sub(x).abs().max().item<float>().ShouldBeGreaterThan(0.1f);

        using DiffusionTransformer network = Network(random);
        network.Predict(empty(2, 3, 4, 4).normal_(0, 1, random), tensor(new float[] { 0.2f, 0.9f }),
            tensor(new long[] { 0, 2 })).abs().max().item<float>().ShouldBe(0);
    }

    [Fact]
    public void Its_gradients_are_finite_differences()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(2, CPU);
        using DiffusionTransformer network = Network(random);
        network.to(ScalarType.Float64);
        FiniteDifferences.Scramble(network, 0.2);
        Tensor x = empty(2, 3, 4, 4, ScalarType.Float64).normal_(0, 1, random),
            target = empty(2, 3, 4, 4, ScalarType.Float64).normal_(0, 1, random);
        Tensor times = tensor(new double[] { 0.3, 0.8 }), labels = tensor(new long[] { 1, 2 });
        FiniteDifferences.ShouldMatchGradients(network,
            () => network.Predict(x, times, labels).sub(target).square().mean());
    }

    [Fact]
    public void How_much_two_positions_are_alike_depends_on_the_way_between_them_alone()
    {
        const int rows = 3, columns = 4, size = 12;
        using Tensor positions = PlanePositions.Of(rows, columns, size);
        using Tensor products = positions.matmul(positions.t());
        double[] rates = [.. Enumerable.Range(0, size / 4).Select(i => Math.Exp(-Math.Log(10_000) * i / (size / 4)))];
        for (int p = 0; p < rows * columns; p++)
        {
            for (int q = 0; q < rows * columns; q++)
            {
                (int down, int across) = ((p / columns) - (q / columns), (p % columns) - (q % columns));
                // sin a sin b + cos a cos b = cos(a − b)
                products[p, q].item<float>()
                    .ShouldBe((float)rates.Sum(rate => Math.Cos(rate * down) + Math.Cos(rate * across)), 1e-4f);
            }
        }
        positions[0].data<float>().ToArray().ShouldBe([0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1]);
        positions[columns + 2, 0].item<float>()
            .ShouldBe((float)Math.Sin(1), 1e-6f, "the first rate is 1, and the place is in row 1");
        positions[columns + 2, 6].item<float>().ShouldBe((float)Math.Sin(2), 1e-6f, "and in column 2");
    }

    [Fact]
    public void Taught_dark_and_bright_pictures_it_draws_those_asked_for_and_says_other_things_at_other_times()
    {
        const int batch = 32;
        var config = new DiffusionConfig { Network = DenoiserKind.Dit, PatchSize = 2, HiddenSize = 16, HeadCount = 2,
            LayerCount = 1, Conditional = true };
        var sampling = new SamplingDefaults { Steps = 6 };
        using var model =
            new DiffusionModel(config, new ImageSchema(4, 4, 1, ["dark", "bright"]), Precision.Fp32, seed: 1);
        using var scope = NewDisposeScope();
        using var random = new Generator(3, CPU);
        manual_seed(1).Dispose();
        using var optimizer = new PlainAdam(model);
        for (int step = 0; step < 120; step++)
        {
            using var each = NewDisposeScope();
            Tensor labels = arange(batch).remainder(2);
            Tensor pictures = labels.mul(2).sub(1).mul(0.6).view(batch, 1, 1, 1)
                .add(empty(batch, 1, 4, 4).normal_(0, 0.1, random));
            optimizer.Step(model.Objectives[0].Loss(new ImageBatch(pictures, labels)), learningRate: 5e-3);
        }
        using var mode = new EvaluationMode(model);
        Tensor noise = empty(8, model.NoiseSize).normal_(0, 1, random);
        Brightness(0).ShouldBe(-0.6, 0.2);
        Brightness(1).ShouldBe(0.6, 0.2);

        DenoisingNetwork network = model.Network;
        Tensor x = noise.view(8, 1, 4, 4), told = zeros(8, ScalarType.Int64);
        Tensor early = network.Predict(x, full([8L], 0.9f), told), late = network.Predict(x, full([8L], 0.2f), told);
        early.sub(late).abs().mean().item<float>().ShouldBeGreaterThan(0.1f);

        double Brightness(long label) =>
            model.Sample(noise, full([8L], label, ScalarType.Int64), model.Check(new SamplingOptions(), sampling),
            random).mean().item<float>();
    }

    private static DiffusionTransformer Network(Generator random) =>
        new(new DiffusionConfig { Network = DenoiserKind.Dit, PatchSize = 2, HiddenSize = 8, HeadCount = 2,
            LayerCount = 2 }, [3, 4, 4], outputs: 3, classes: 2, Precision.Fp32, random);
}
