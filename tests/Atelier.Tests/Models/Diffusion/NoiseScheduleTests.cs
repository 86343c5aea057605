using Atelier.Models.Diffusion;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Models.Diffusion;

public sealed class NoiseScheduleTests
{
    [Theory]
    [InlineData(0.2)]
    [InlineData(5)]
    public void A_shift_multiplies_the_noise_to_signal_ratio_of_the_flow(double shift)
    {
        var schedule = new NoiseSchedule(ScheduleKind.Flow, shift);
        foreach (double t in (double[])[0.01, 0.3, 0.5, 0.97])
        {
            double shifted = schedule.Shifted(t);
            (shifted / (1 - shifted)).ShouldBe(shift * t / (1 - t), 1e-9);
        }
        schedule.Times(4).ShouldBe([1, schedule.Shifted(0.75), schedule.Shifted(0.5), schedule.Shifted(0.25), 0]);
    }

    [Theory]
    [InlineData(TimeDistribution.Uniform)]
    [InlineData(TimeDistribution.LogitNormal)]
    public void Training_times_are_shifted(TimeDistribution distribution)
    {
        const double Shift = 5;
        const int Count = 100_000;
        using var scope = NewDisposeScope();
        using var random = new Generator(1, CPU);
        Tensor times = new NoiseSchedule(ScheduleKind.Flow, Shift)
            .TrainingTimes(Count, distribution, CPU, random);
        Tensor logits = times.log() - (1 - times).log();
        // the logit of a uniform number has the logistic distribution, whose variance is π² / 3
        logits.mean().item<float>().ShouldBe((float)Math.Log(Shift), 0.03f);
        logits.std().item<float>().ShouldBe(
            distribution == TimeDistribution.Uniform ? (float)(Math.PI / Math.Sqrt(3)) : 1, 0.03f);
    }
}
