using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Models.Diffusion;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tensors;
using MathNet.Numerics.Distributions;
using static TorchSharp.torch;

namespace Atelier.Tests.Models.Diffusion;

/// <summary>
/// A model learns a mixture of three Gaussians in the plane, as pictures of two pixels, and what it draws is compared
/// with the density cell by cell.
/// </summary>
public sealed class MixtureTests
{
    private const int Cells = 8, Steps = 500, BatchSize = 160, Drawn = 4000;
    private const double Deviation = 0.15, LearningRate = 3e-3;
    private static readonly (double Weight, double X, double Y)[] DenoiserOutput =
        [(0.5, -0.5, -0.5), (0.3, 0.5, -0.3), (0.2, 0, 0.5)];

    [Fact]
    public void What_is_drawn_has_the_density_that_was_learned()
    {
        var config = new DiffusionConfig { PatchSize = 1, Channels = [32], Blocks = 1 };
        var sampling = new SamplingDefaults { Sampler = "heun", Steps = 15 };
        using var model = new DiffusionModel(config, new ImageSchema(2, 1, 1, []), Precision.Fp32, seed: 1);
        manual_seed(3).Dispose();
        Learn(model);
        using var scope = NewDisposeScope();
        using var mode = new EvaluationMode(model);
        using var random = new Generator(5, CPU);
        Tensor noise = empty(Drawn, 2).normal_(0, 1, random);
        Tensor points = model.Sample(noise, labels: null, model.Check(new SamplingOptions(), sampling), random)
            .view(Drawn, 2);

        double[] density =
            Density((x, y) => DenoiserOutput.Sum(p => p.Weight * Share(x, p.X, Deviation) * Share(y, p.Y, Deviation)));
        double learned = TotalVariation(Counted(points), density);
        // One Gaussian of the same mean and deviations is what a model would be that had missed the three parts.
        double meanX = DenoiserOutput.Sum(p => p.Weight * p.X), meanY = DenoiserOutput.Sum(p => p.Weight * p.Y);
        double deviationX =
            Math.Sqrt(DenoiserOutput.Sum(p => p.Weight * p.X * p.X) - (meanX * meanX) + (Deviation * Deviation));
        double deviationY =
            Math.Sqrt(DenoiserOutput.Sum(p => p.Weight * p.Y * p.Y) - (meanY * meanY) + (Deviation * Deviation));
        double single =
            TotalVariation(Density((x, y) => Share(x, meanX, deviationX) * Share(y, meanY, deviationY)), density);
        single.ShouldBeGreaterThan(0.4);
        learned.ShouldBeLessThan(0.2, "half the sum of differences; 4,000 points of the density itself give 0.03");
    }

    private static void Learn(DiffusionModel model)
    {
        using var optimizer = new PlainAdam(model, beta2: 0.99);
        using Tensor means = tensor(DenoiserOutput.SelectMany(p => (float[])[(float)p.X, (float)p.Y]).ToArray(),
            DenoiserOutput.Length, 2);
        using Tensor weights = tensor(DenoiserOutput.Select(p => (float)p.Weight).ToArray());
        for (int step = 0; step < Steps; step++)
        {
            using var scope = NewDisposeScope();
            Tensor points = means[multinomial(weights, BatchSize, replacement: true)]
                .add(randn(BatchSize, 2).mul(Deviation));
            Tensor loss = model.Objectives[0]
                .Loss(new ImageBatch(points.view(BatchSize, 1, 1, 2), zeros(BatchSize, ScalarType.Int64)));
            optimizer.Step(loss, LearningRate * (1 - ((double)step / Steps)));
        }
    }

    /// <summary>The share of points in each cell of the square from −1 to 1.</summary>
    private static double[] Counted(Tensor points)
    {
        float[] values = points.contiguous().data<float>().ToArray();
        var shares = new double[Cells * Cells];
        for (int i = 0; i < values.Length; i += 2)
        {
            int x = Math.Clamp((int)((values[i] + 1) / 2 * Cells), 0, Cells - 1),
                y = Math.Clamp((int)((values[i + 1] + 1) / 2 * Cells), 0, Cells - 1);
            shares[(y * Cells) + x] += 1.0 / Drawn;
        }
        return shares;
    }

    private static double[] Density(Func<int, int, double> of) =>
        [.. Enumerable.Range(0, Cells * Cells).Select(i => of(i % Cells, i / Cells))];

    /// <summary>
    /// The share of a Gaussian between two borders; what lies beyond the square counts for its outermost cells.
    /// </summary>
    private static double Share(int cell, double mean, double deviation)
    {
        double from = cell == 0 ? double.NegativeInfinity : ((2.0 * cell / Cells) - 1 - mean) / deviation;
        double to = cell == Cells - 1 ? double.PositiveInfinity : ((2.0 * (cell + 1) / Cells) - 1 - mean) / deviation;
        return Normal.CDF(0, 1, to) - Normal.CDF(0, 1, from);
    }

    private static double TotalVariation(double[] one, double[] other) =>
        one.Zip(other, (a, b) => Math.Abs(a - b)).Sum() / 2;
}
