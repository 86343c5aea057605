using Atelier.Networks;

namespace Atelier.Runtime.Tests.Networks;

public sealed class RotaryFrequenciesTests
{
    private const int HeadSize = 128;
    private const double Theta = 500_000;
    private static readonly double[] Plain = RotaryFrequencies.Of(HeadSize, Theta, null);

    [Fact]
    public void Without_scaling_they_fall_from_1_by_a_constant_ratio()
    {
        Plain[0].ShouldBe(1);
        double ratio = Plain[1] / Plain[0];
        for (int i = 1; i < Plain.Length; i++)
            (Plain[i] / Plain[i - 1]).ShouldBe(ratio, 1e-12);
        (Plain[^1] * ratio).ShouldBe(1 / Theta, 1e-15);
    }

    [Fact]
    public void Linear_scaling_slows_all_alike() =>
        RotaryFrequencies.Of(HeadSize, Theta, new() { Name = RotaryScalingName.Linear, Factor = 4 })
            .ShouldBe(Plain.Select(f => f / 4));

    [Fact]
    public void Llama_3s_scaling_keeps_what_turns_4_times_in_the_first_context_and_divides_what_turns_less_than_once()
    {
        var scaling = new RotaryScaling { Name = RotaryScalingName.Llama3, Factor = 8, OriginalContextLength = 8192 };
        double[] scaled = RotaryFrequencies.Of(HeadSize, Theta, scaling);
        for (int i = 0; i < Plain.Length; i++)
        {
            double wavelength = 2 * Math.PI / Plain[i];
            if (wavelength < 8192.0 / 4)
                scaled[i].ShouldBe(Plain[i], Plain[i] * 1e-12);
            else if (wavelength > 8192)
                scaled[i].ShouldBe(Plain[i] / 8, Plain[i] * 1e-12);
            else
                scaled[i].ShouldBeInRange(Plain[i] / 8, Plain[i]);
        }
        RotaryFrequencies.Amplitude(scaling).ShouldBe(1);
    }

    [Fact]
    public void Yarn_keeps_what_turns_32_times_divides_what_turns_less_than_once_and_sharpens_attention()
    {
        var scaling = new RotaryScaling { Name = RotaryScalingName.Yarn, Factor = 16, OriginalContextLength = 4096 };
        double[] scaled = RotaryFrequencies.Of(HeadSize, Theta, scaling);
        for (int i = 1; i < Plain.Length; i++)
        {
            double turns = 4096 * Plain[i] / (2 * Math.PI), ratio = Plain[i] / scaled[i];
            if (Plain[i - 1] * 4096 / (2 * Math.PI) > 32 && turns > 32)
                ratio.ShouldBe(1, 1e-9);
            if (i + 1 < Plain.Length && Plain[i - 1] * 4096 / (2 * Math.PI) < 1)
                ratio.ShouldBe(16, 1e-9);
            ratio.ShouldBeInRange(1 - 1e-9, 16 + 1e-9);
        }
        RotaryFrequencies.Amplitude(scaling).ShouldBe(1 + (0.1 * Math.Log(16)), 1e-12);
    }
}
