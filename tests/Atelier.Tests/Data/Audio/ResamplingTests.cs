using Atelier.Data.Audio;

namespace Atelier.Tests.Data.Audio;

public sealed class ResamplingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(44_100, 16_000)]
    [InlineData(16_000, 44_100)]
    [InlineData(48_000, 8_000)]
    [InlineData(8_000, 22_050)]
    [InlineData(192_000, 44_100)]
    [InlineData(11_025, 11_024)]
    public void A_sine_in_the_pass_band_is_the_same_sine_at_the_other_rate(int from, int to)
    {
        double lower = Math.Min(from, to);
        foreach (double share in (double[])[0.01, 0.3, 0.44])
        {
            float[] result = Resampled(Sine(from, share * lower, from / 2), from, to);
            result.Length.ShouldBe((int)Math.Ceiling((double)(from / 2) * to / from));
            float[] expected = Sine(to, share * lower, result.Length);
            int edge = result.Length / 8;
            result.Zip(expected, (x, y) => Math.Abs(x - y)).Skip(edge).SkipLast(edge).Max()
                .ShouldBeLessThan(1.2e-4f, $"{share}"); // 0.001 dB
        }
    }

    [Fact]
    public void What_the_lower_rate_cannot_hold_is_attenuated_by_100_dB()
    {
        foreach (double frequency in (double[])[4000, 4100, 5000, 9000, 20_000])
        {
            float[] result = Resampled(Sine(48_000, frequency, 24_000), 48_000, 8000);
            result.Skip(500).SkipLast(500).Max(Math.Abs).ShouldBeLessThan(1.2e-5f, $"{frequency}");
        }
    }

    [Fact]
    public void Blocks_of_any_size_give_the_same_sound()
    {
        float[] noise = Noise(20_000);
        float[] whole = Resampled(noise, 44_100, 16_000);
        using ISampleStream stream = ResampledStream.Of(new ArrayStream(noise, 44_100, 1), 16_000);
        var random = new SplitMix64(3);
        var pieces = new List<float>();
        var block = new float[997];
        for (int read; (read = stream.Read(block.AsSpan(0, 1 + (int)random.Next(997)))) > 0;)
            pieces.AddRange(block.AsSpan(0, read));
        pieces.ShouldBe(whole);
    }

    [Fact]
    public void Each_channel_is_converted_alone()
    {
        float[] left = Noise(5000), right = [.. Noise(5000).Reverse()];
        var both = new Sound([left, right], 22_050);
        using ISampleStream stream = ResampledStream.Of(new ArrayStream(both.Interleaved(), 22_050, 2), 8000);
        Sound result = AudioFiles.ReadAll(stream);
        result.Samples[0].ShouldBe(Resampled(left, 22_050, 8000));
        result.Samples[1].ShouldBe(Resampled(right, 22_050, 8000));
    }

    [Theory]
    [InlineData(44_100, 16_000)]
    [InlineData(22_050, 48_000)]
    public void Sox_gives_the_same_sound_in_the_pass_band(int from, int to)
    {
        double lower = Math.Min(from, to);
        float[] chord = [.. Enumerable.Range(0, from).Select(i => (float)new[] { 0.02, 0.11, 0.24, 0.4 }
            .Sum(share => 0.2 * Math.Sin(Math.Tau * share * lower * i / from)))];
        AudioFiles.WriteWav(_folder["in.wav"], new Sound([chord], from));
        Command.Run("sox", _folder["in.wav"], "-b", "32", "-e", "float", _folder["out.wav"], "rate", "-v", $"{to}");
        float[] expected = AudioFiles.Read(_folder["out.wav"]).Samples[0],
            result = AudioFiles.Read(_folder["in.wav"], to).Samples[0];
        result.Length.ShouldBe(expected.Length);
        result.Zip(expected, (x, y) => Math.Abs(x - y)).Skip(1000).SkipLast(1000).Max().ShouldBeLessThan(1e-4f);
    }

    [Fact]
    public void Channels_are_mixed_by_their_places()
    {
        Mixed([0.5f, -0.5f], 1).ShouldBe([0f]);
        Mixed([0.25f], 2).ShouldBe([0.25f, 0.25f]);
        // left 1, centre and left surround 1/√2 each, of together 2.414
        Mixed([1, 0, 0, 1, 0, 0], 2).ShouldBe([0.414214f, 0]);
        Mixed([0, 0, 1, 1, 0, 0], 2).ShouldBe([0.292893f, 0.292893f]);
        Mixed([0, 0, 0, 0, 0, 1], 2).ShouldBe([0, 0.292893f]);
        Mixed([.. Enumerable.Repeat(0.5f, 12)], 1).ShouldBe([0.5f]);

        static float[] Mixed(float[] frame, int channels)
        {
            using ISampleStream stream = MixedStream.Of(new ArrayStream(frame, 8000, frame.Length), channels);
            return [.. AudioFiles.ReadAll(stream).Samples.Select(plane => MathF.Round(plane[0], 6))];
        }
    }

    private static float[] Resampled(float[] samples, int from, int to)
    {
        using ISampleStream stream = ResampledStream.Of(new ArrayStream(samples, from, 1), to);
        return AudioFiles.ReadAll(stream).Samples[0];
    }

    private static float[] Sine(int rate, double frequency, int frames) =>
        [.. Enumerable.Range(0, frames).Select(i => (float)Math.Sin(Math.Tau * frequency * i / rate))];

    private static float[] Noise(int frames)
    {
        var random = new SplitMix64(9);
        return [.. Enumerable.Range(0, frames).Select(_ => (float)(random.NextDouble() - 0.5))];
    }
}
