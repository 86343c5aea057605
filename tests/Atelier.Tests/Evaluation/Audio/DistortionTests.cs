using Atelier.Data.Audio;
using Atelier.Evaluation.Audio;

namespace Atelier.Tests.Evaluation.Audio;

/// <summary>Distances between sounds, by closed forms.</summary>
public sealed class DistortionTests
{
    private const int Rate = 8000;

    [Fact]
    public void A_sound_at_half_the_level_is_six_decibels_away_in_both_spectral_distances()
    {
        float[] noise = Noise(1, 0.5f), quieter = Array.ConvertAll(noise, sample => sample / 2);
        double expected = 20 * Math.Log10(2);
        MelDistance.Between(noise, quieter, Rate).ShouldBe(expected, 0.01);
        LogSpectralDistance.Between(noise, quieter, Rate).ShouldBe(expected, 0.01);
        MelDistance.Between(noise, noise, Rate).ShouldBe(0);
        LogSpectralDistance.Between(noise, noise, Rate).ShouldBe(0);
    }

    [Fact]
    public void The_level_of_a_sine_of_full_scale_is_spread_over_its_band_and_silence_is_at_the_floor()
    {
        foreach (SpectralScale scale in SpectralScale.All(Rate))
        {
            float[] sine = [.. Enumerable.Range(0, Rate).Select(i => (float)Math.Sin(Math.Tau * 1000 * i / Rate))];
            float peak = scale.Levels(sine)[10].Max();
            peak.ShouldBeInRange(-12, 0, $"{scale}");
            scale.Levels(new float[Rate]).ShouldAllBe(frame => frame.All(level => Math.Abs(level + 80) < 1e-4f));
            scale.Filters().ShouldAllBe(filter => Math.Abs(filter.Sum() - 1) < 1e-5);
        }
    }

    [Theory]
    [InlineData(0.1)]
    [InlineData(2)]
    public void The_ratio_is_that_of_the_energies_of_a_sound_and_of_noise_orthogonal_to_it_at_any_scale(double noise)
    {
        // sines of whole periods are orthogonal
        float[] sound = Sine(5), other = [.. sound.Zip(Sine(9), (x, n) => (float)(3 * (x + (noise * n))))];
        SiSdr.Between(sound, other).ShouldBe(-20 * Math.Log10(noise), 1e-3);
        SiSdr.Between(sound, Array.ConvertAll(sound, x => -x / 2)).ShouldBe(double.PositiveInfinity);
        SiSdr.Between(sound, new float[sound.Length]).ShouldBe(double.NegativeInfinity);

        static float[] Sine(int periods) =>
            [.. Enumerable.Range(0, 1000).Select(i => (float)Math.Sin(Math.Tau * periods * i / 1000))];
    }

    [Fact]
    public void Channels_are_averaged_and_a_shorter_sound_is_filled_up_with_silence()
    {
        float[] noise = Noise(1, 0.5f), half = Array.ConvertAll(noise, sample => sample / 2);
        Distortion both = Distortion.Between(new([noise, noise], Rate), new([noise, half], Rate));
        both.MelDistance.ShouldBe(10 * Math.Log10(2), 0.01);
        Distortion cut = Distortion.Between(new([noise], Rate), new([noise[..2000]], Rate));
        cut.SiSdr.ShouldBe(0, 0.5, "half of the energy is lost");
        cut.MelDistance.ShouldBeGreaterThan(10);
    }

    private static float[] Noise(long seed, float size)
    {
        var random = new SplitMix64(SplitMix64.At((ulong)seed, 0));
        var noise = new float[4000];
        for (int i = 0; i < noise.Length; i++)
            noise[i] = size * (float)((2 * random.NextDouble()) - 1);
        return noise;
    }
}
