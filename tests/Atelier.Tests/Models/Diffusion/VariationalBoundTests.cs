using Atelier.Models.Diffusion;
using static TorchSharp.torch;

namespace Atelier.Tests.Models.Diffusion;

/// <summary>Of a Gaussian in steps of 8 bits, −log P is known, and the bound with the best guess of the picture comes up to it on every schedule.</summary>
public sealed class VariationalBoundTests
{
    private const double Mean = 0.1, Deviation = 0.25, Step = 2.0 / 255;
    private const int Strata = 64;

    public static TheoryData<ScheduleKind> Schedules => [.. Enum.GetValues<ScheduleKind>()];

    [Theory]
    [MemberData(nameof(Schedules))]
    public void The_bound_of_the_best_model_is_the_surprise_of_a_Gaussian_and_that_of_a_worse_one_lies_above(ScheduleKind kind)
    {
        using var scope = NewDisposeScope();
        var schedule = new NoiseSchedule(kind);
        using var random = new Generator(1, CPU);
        Tensor pictures = empty(40, 1, 25, 40).normal_(Mean, Deviation, random).add(1).div(Step).round().clamp(0, 255).mul(Step).sub(1);
        // A step is small beside the deviation, so that a value's probability is its density times a step.
        double exact = pictures.sub(Mean).div(Deviation).square().mul(0.5).mean().item<float>() + Math.Log(Deviation * Math.Sqrt(2 * Math.PI) / Step);
        double bound = Bound(Deviation), worse = Bound(2 * Deviation);
        bound.ShouldBe(exact, 0.04, "nats; the estimate's own deviation is about 0.01");
        worse.ShouldBeGreaterThan(exact + 0.1);
        // A Gaussian twice as wide has a surprise of its own, and its bound comes up to that.
        double wide = pictures.sub(Mean).div(2 * Deviation).square().mul(0.5).mean().item<float>() + Math.Log(2 * Deviation * Math.Sqrt(2 * Math.PI) / Step);
        worse.ShouldBe(wide, 0.04);

        double Bound(double deviation) => VariationalBound.Of(pictures, (x, t) => Best(schedule, x, t, deviation), schedule, Strata, random).Average() / 1000; // a picture has 1,000 independent values
    }

    [Theory]
    [MemberData(nameof(Schedules))]
    public void The_time_of_a_ratio_is_the_one_that_has_it(ScheduleKind kind)
    {
        var schedule = new NoiseSchedule(kind);
        foreach (double t in (double[])[0.002, 0.1, 0.5, 0.9, 0.99])
            schedule.TimeOf(schedule.LogRatio(t)).ShouldBe(t, 1e-9);
    }

    /// <summary>E[x₀ | x] of a Gaussian, and the noise that goes with it.</summary>
    private static Parts Best(NoiseSchedule schedule, Tensor x, double t, double deviation)
    {
        double alpha = schedule.Alpha(t), sigma = schedule.Sigma(t), total = (alpha * alpha * deviation * deviation) + (sigma * sigma);
        Tensor picture = x.mul(alpha * deviation * deviation / total).add(sigma * sigma * Mean / total);
        return new Parts(picture, x.sub(picture.mul(alpha)).div(sigma));
    }
}
