using Atelier.Models.Diffusion;
using Atelier.Models.Diffusion.Samplers;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Models.Diffusion;

/// <summary>
/// Of a Gaussian N(m, s²) the best guess of the picture is known, and so is where the flow ends: m + s (x − α m) / √(α²
/// s² + σ²).
/// </summary>
public sealed class SamplerTests
{
    private const double Mean = 0.7, Deviation = 0.3;
    private static readonly KnownGaussian Gaussian = new(Mean, Deviation);

    public static TheoryData<string, ScheduleKind> Deterministic => new(
        from name in (string[])["ddim", "euler", "heun", "dpm"]
        from kind in Enum.GetValues<ScheduleKind>()
        select (name, kind));

    [Theory]
    [MemberData(nameof(Deterministic))]
    public void Noise_ends_where_the_flow_of_a_Gaussian_takes_it(string sampler, ScheduleKind kind)
    {
        double coarse = Error(sampler, kind, 100), fine = Error(sampler, kind, 400);
        fine.ShouldBeLessThan(0.01);
        fine.ShouldBeLessThan(coarse / 2.5, "four times the steps, at least first order");
    }

    [Fact]
    public void Samplers_of_second_order_come_closer_in_the_same_steps()
    {
        double first = Error("euler", ScheduleKind.Flow, 50);
        Error("heun", ScheduleKind.Flow, 50).ShouldBeLessThan(first / 5);
        Error("dpm", ScheduleKind.Flow, 50).ShouldBeLessThan(first / 2);
    }

    [Theory]
    [InlineData(ScheduleKind.Linear)]
    [InlineData(ScheduleKind.Cosine)]
    [InlineData(ScheduleKind.Flow)]
    public void Ancestral_samples_have_the_Gaussians_mean_and_deviation(ScheduleKind kind)
    {
        using var scope = NewDisposeScope();
        var schedule = new NoiseSchedule(kind);
        using var random = new Generator(1, CPU);
        Tensor drawn = DiffusionSamplers.Find("ancestral")
            .Sample((x, t) => Gaussian.Best(schedule, x, t), schedule, schedule.Times(1000), Noise(random), random);
        drawn.mean().item<float>().ShouldBe((float)Mean, 0.01f);
        drawn.std().item<float>().ShouldBe((float)Deviation, 0.012f);
    }

    [Theory]
    [MemberData(nameof(Everything))]
    public void What_a_mask_keeps_of_a_picture_is_kept_and_the_rest_is_drawn_as_it_would_be_without(string sampler,
        ScheduleKind kind)
    {
        using var scope = NewDisposeScope();
        var schedule = new NoiseSchedule(kind);
        using var random = new Generator(1, CPU);
        Tensor noise = empty(2000, 1, 1, 2).normal_(0, 1, random);
        // the second number is drawn anew
        var given = new InitImage(tensor(new float[] { 0.25f, -9 }, 1, 1, 2), tensor(new float[] { 0, 1 }, 1, 1, 2));
        Tensor drawn = given.Finish(DiffusionSamplers.Find(sampler).Sample(
            given.Hold((x, t) => Gaussian.Best(schedule, x, t), schedule, noise), schedule, schedule.Times(200),
                given.Noisy(noise, schedule, schedule.Start), random));
        drawn[TensorIndex.Ellipsis, 0].sub(0.25f).abs().max().item<float>().ShouldBeLessThan(1e-6f);
        // The numbers of this Gaussian are independent, so that the other one has its own distribution.
        drawn[TensorIndex.Ellipsis, 1].mean().item<float>().ShouldBe((float)Mean, 0.05f);
        drawn[TensorIndex.Ellipsis, 1].std().item<float>().ShouldBe((float)Deviation, 0.03f);
    }

    public static TheoryData<string, ScheduleKind> Everything => new(
        from sampler in DiffusionSamplers.All
        from kind in Enum.GetValues<ScheduleKind>()
        select (sampler.Name, kind));

    [Fact]
    public void An_unknown_sampler_is_refused_with_those_there_are() =>
        Should.Throw<AtelierException>(() =>
            DiffusionSamplers.Find("magic")).Hint!.ShouldContain("ancestral, ddim, euler, heun, dpm");

    [Theory]
    [InlineData(ScheduleKind.Linear)]
    [InlineData(ScheduleKind.Cosine)]
    [InlineData(ScheduleKind.Flow)]
    public void Rates_of_schedules_are_their_finite_differences(ScheduleKind kind)
    {
        var schedule = new NoiseSchedule(kind);
        foreach (double t in (double[])[0.1, 0.5, 0.9])
        {
            schedule.AlphaRate(t).ShouldBe((schedule.Alpha(t + 1e-6) - schedule.Alpha(t - 1e-6)) / 2e-6, 1e-5);
            schedule.SigmaRate(t).ShouldBe((schedule.Sigma(t + 1e-6) - schedule.Sigma(t - 1e-6)) / 2e-6, 1e-5);
        }
    }

    public static TheoryData<PredictionKind, ScheduleKind> Predictions => new(
        from prediction in Enum.GetValues<PredictionKind>()
        from schedule in Enum.GetValues<ScheduleKind>()
        select (prediction, schedule));

    [Theory]
    [MemberData(nameof(Predictions))]
    public void What_is_predicted_gives_picture_and_noise_back(PredictionKind kind, ScheduleKind scheduleKind)
    {
        using var scope = NewDisposeScope();
        var schedule = new NoiseSchedule(scheduleKind);
        var prediction = new Prediction(kind, schedule);
        using var random = new Generator(2, CPU);
        Tensor picture = Noise(random), noise = Noise(random), alpha = tensor((float)schedule.Alpha(0.4)),
            sigma = tensor((float)schedule.Sigma(0.4));
        DenoiserOutput parts = prediction.Output(alpha.mul(picture).add(sigma.mul(noise)),
            prediction.Target(new DenoiserOutput(picture, noise), alpha, sigma), 0.4);
        parts.Image.sub(picture).abs().max().item<float>().ShouldBeLessThan(1e-4f);
        parts.Noise.sub(noise).abs().max().item<float>().ShouldBeLessThan(1e-4f);
    }

    private static double Error(string sampler, ScheduleKind kind, int steps)
    {
        using var scope = NewDisposeScope();
        var schedule = new NoiseSchedule(kind);
        using var random = new Generator(1, CPU);
        Tensor noise = Noise(random).to(ScalarType.Float64);
        Tensor drawn = DiffusionSamplers.Find(sampler)
            .Sample((x, t) => Gaussian.Best(schedule, x, t), schedule, schedule.Times(steps), noise, random);
        double alpha = schedule.Alpha(schedule.Start), sigma = schedule.Sigma(schedule.Start);
        Tensor exact = noise.sub(alpha * Mean)
            .mul(Deviation / Math.Sqrt((alpha * alpha * Deviation * Deviation) + (sigma * sigma))).add(Mean);
        return drawn.sub(exact).abs().mean().item<double>();
    }

    private static Tensor Noise(Generator random) => empty(20_000, 1).normal_(0, 1, random);
}
