using Atelier.Data.Images;
using Atelier.Models.Diffusion;
using Atelier.Models.Diffusion.Samplers;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Tests.Models.Diffusion;

/// <summary>
/// Of a Gaussian in steps of 8 bits, −log P is known, and the bound with the best guess of the picture comes up to it
/// on every schedule.
/// </summary>
public sealed class VariationalBoundTests
{
    private static readonly KnownGaussian Gaussian = new(0.1, 0.25), Wide = new(0.1, 0.5);

    public static TheoryData<ScheduleKind> Schedules => [.. Enum.GetValues<ScheduleKind>()];

    [Theory]
    [MemberData(nameof(Schedules))]
    public void The_bound_of_the_best_model_is_the_surprise_of_a_Gaussian_and_that_of_a_worse_one_lies_above(
        ScheduleKind kind)
    {
        using var scope = NewDisposeScope();
        var schedule = new NoiseSchedule(kind);
        using var random = new Generator(1, CPU);
        Tensor pictures = Gaussian.Sample([40, 1, 25, 40], random);
        Bound(Gaussian)
            .ShouldBe(Gaussian.NegativeLogLikelihood(pictures), 0.04,
            "nats; the estimate's own deviation is about 0.01");
        // A Gaussian twice as wide is surprised more by these pictures, and its bound comes up to that.
        Wide.NegativeLogLikelihood(pictures).ShouldBeGreaterThan(Gaussian.NegativeLogLikelihood(pictures) + 0.2);
        Bound(Wide).ShouldBe(Wide.NegativeLogLikelihood(pictures), 0.04);

        // values of a picture
        double Bound(KnownGaussian model) =>
            VariationalBound.Of(pictures, (x, t) => model.Best(schedule, x, t), schedule, strata: 64, random)
            .Average() / 1000;
    }

    [Theory]
    [MemberData(nameof(Schedules))]
    public void The_flow_of_a_Gaussian_gives_its_density(ScheduleKind kind)
    {
        using var scope = NewDisposeScope();
        var schedule = new NoiseSchedule(kind);
        using var random = new Generator(1, CPU);
        Tensor pictures = Gaussian.Sample([200, 1, 10, 10], random);
        double followed = FlowLikelihood.Of(pictures, (x, t) => Gaussian.Best(schedule, x, t), schedule, steps: 64,
            random).Average() / 100;
        followed.ShouldBe(Gaussian.NegativeLogLikelihood(pictures), 0.01,
            "nats; values of a Gaussian are independent, so that signs give the divergence itself");
    }

    [Theory]
    [InlineData("unet")]
    [InlineData("dit")]
    public void The_divergence_along_random_signs_is_the_finite_difference_of_the_networks_velocity(string network)
    {
        using var scope = NewDisposeScope();
        var config = new DiffusionConfig { Network = Enum.Parse<DenoiserKind>(network, ignoreCase: true), PatchSize = 1,
            Channels = [16], Blocks = 1, HiddenSize = 16, HeadCount = 2, LayerCount = 2 };
        using var model = new DiffusionModel(config, new ImageSchema(4, 4, 1, []), Precision.Fp32, seed: 1);
        model.eval();
        using var random = new Generator(1, CPU);
        using (no_grad())
        {
            foreach (var parameter in model.parameters())
                parameter.add_(empty_like(parameter).normal_(0, 0.2, random)); // a fresh model answers zero
        }
        var schedule = new NoiseSchedule(config.Schedule);
        Tensor x = empty(3, 1, 4, 4).normal_(0, 1, random), signs = empty(3, 1, 4, 4).uniform_(-1, 1, random).sign(),
            times = full([3], 0.4f);
        Denoiser denoiser = (at, t) =>
            new Prediction(config.Prediction, schedule).Output(at, model.Network.Predict(at, times, null), t);
        Tensor divergence = FlowLikelihood.Flow(denoiser, schedule, x, 0.4, signs).Divergence;
        using var none = no_grad();
        const double little = 1e-2;
        Tensor difference = EulerSampler.Velocity(denoiser, schedule, x.add(signs.mul(little)), 0.4)
            .sub(EulerSampler.Velocity(denoiser, schedule, x.sub(signs.mul(little)), 0.4)).div(2 * little);
        Tensor expected = difference.mul(signs).flatten(1).sum(1);
        divergence.sub(expected).abs().max().item<double>().ShouldBeLessThan(0.02 * expected.abs().max().item<float>());
    }

    [Theory]
    [MemberData(nameof(Schedules))]
    public void The_time_of_a_ratio_is_the_one_that_has_it(ScheduleKind kind)
    {
        var schedule = new NoiseSchedule(kind);
        foreach (double t in (double[])[0.002, 0.1, 0.5, 0.9, 0.99])
            schedule.TimeOf(schedule.LogRatio(t)).ShouldBe(t, 1e-9);
    }
}
