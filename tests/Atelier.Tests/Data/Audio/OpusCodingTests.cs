using Atelier.Data.Audio;
using Atelier.Evaluation.Audio;
using Atelier.Tests.Data;

namespace Atelier.Tests.Data.Audio;

/// <summary>Opus files, beside ffmpeg.</summary>
public sealed class OpusCodingTests
{
    [Theory]
    [InlineData(8000, 1, 16_000)]
    [InlineData(22_050, 2, 64_000)]
    public void Another_program_decodes_the_file_to_the_same_sound(int rate, int channels, int bits)
    {
        using var folder = new TemporaryFolder();
        Sound sound = Vowels(rate, channels);
        OpusCoding coding = OpusCoding.Encode(sound, bits);
        using (FileStream file = File.Create(folder["a.opus"]))
            coding.Write(file);
        Sound again = coding.Decode();
        (again.SampleRate, again.Channels, again.Frames).ShouldBe((rate, channels, sound.Frames));
        double measured = coding.PayloadBits / sound.Seconds;
        measured.ShouldBeInRange(0.6 * bits, 1.4 * bits);

        // ffmpeg's own decoder is a tenth of a millisecond late
        Command.Ffmpeg("-c:a", "libopus", "-i", folder["a.opus"], folder["b.wav"]);
        Sound other = AudioFiles.Read(folder["b.wav"], rate);
        Math.Abs(other.Frames - sound.Frames).ShouldBeLessThanOrEqualTo(rate / 100);
        float[] ours = again.Samples[0], theirs = other.Samples[0];
        int shared = Math.Min(ours.Length, theirs.Length);
        SiSdr.Between(ours.AsSpan(0, shared), theirs.AsSpan(0, shared)).ShouldBeGreaterThan(20, "the same packets");
        Distortion.Between(sound, again).MelDistance.ShouldBeLessThan(8);
    }

    [Fact]
    public void A_sound_shorter_than_a_frame_has_a_file_too()
    {
        OpusCoding coding = OpusCoding.Encode(new Sound([[0.1f, -0.1f, 0.2f]], 8000), 12_000);
        coding.Decode().Frames.ShouldBe(3);
        using var file = new MemoryStream();
        coding.Write(file);
        file.Length.ShouldBeGreaterThan(100);
    }

    private static Sound Vowels(int rate, int channels)
    {
        float[][] planes = [.. Enumerable.Range(0, channels).Select(channel =>
            SoundsWorld.Sample(1, 40 + channel).Samples.Concat(SoundsWorld.Sample(1, 12).Samples).ToArray())];
        return new Sound(planes, 8000).Resampled(rate);
    }
}
