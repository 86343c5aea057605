using Atelier.Data.Audio;

namespace Atelier.Tests.Data.Audio;

/// <summary>The μ-law of G.711.</summary>
public sealed class MuLawTests
{
    [Theory]
    [InlineData(0f, 0xFF)]
    [InlineData(1f, 0x80)]
    [InlineData(-1f, 0x00)]
    [InlineData(31 / 8192f, 0xEF)] // the decision values of table 2a of G.711
    [InlineData(95 / 8192f, 0xDF)]
    [InlineData(4063 / 8192f, 0x8F)]
    public void Published_values_have_their_codes(float sample, int code) => MuLaw.Encode(sample).ShouldBe((byte)code);

    [Fact]
    public void Every_code_stands_for_the_value_that_has_it()
    {
        for (int code = 0; code < 256; code++)
            MuLaw.Encode(MuLaw.Decode((byte)code)).ShouldBe((byte)(code == 0x7F ? 0xFF : code), "zero is positive");
    }

    [Fact]
    public void An_error_is_at_most_half_a_step_of_the_segment()
    {
        for (int i = -8000; i <= 8000; i += 7)
        {
            float sample = i / 8192f, error = Math.Abs(MuLaw.Decode(MuLaw.Encode(sample)) - sample) * 8192;
            error.ShouldBeLessThanOrEqualTo((Math.Abs(i) + 33) / 32f);
        }
    }

    [Fact]
    public void Other_programs_read_the_file_as_we_do()
    {
        using var folder = new TemporaryFolder();
        float[] samples = SoundsWorld.Sample(1, 12).Samples[..1001]; // an odd number of bytes
        var sound = new Sound([samples, [.. samples.Reverse()]], 8000);
        File.WriteAllBytes(folder["a.wav"], MuLaw.EncodeWav(sound));
        Command.Ffmpeg("-i", folder["a.wav"], "-c:a", "pcm_s16le", folder["b.wav"]);
        Sound read = AudioFiles.Read(folder["b.wav"]), again = MuLaw.Again(sound);
        (read.SampleRate, read.Channels, read.Frames).ShouldBe((8000, 2, 1001));
        for (int channel = 0; channel < 2; channel++)
            read.Samples[channel].Zip(again.Samples[channel], (a, b) => Math.Abs(a - b)).Max().ShouldBeLessThan(1e-4f);
    }
}
