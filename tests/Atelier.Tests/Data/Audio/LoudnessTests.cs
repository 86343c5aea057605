using System.Globalization;
using Atelier.Data.Audio;
using Atelier.Recipes;

namespace Atelier.Tests.Data.Audio;

/// <summary>Compared with the published values of EBU Tech 3341 and of ITU-R BS.1770-4.</summary>
public sealed class LoudnessTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_filters_at_48_kHz_are_those_of_the_recommendation()
    {
        double[] shelf = [1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241, 0.73248077421585];
        double[] high = [1, -2, 1, -1.99004745483398, 0.99007225036621];
        LoudnessMeter.Shelf(48_000).Zip(shelf, (x, y) => Math.Abs(x - y)).Max().ShouldBeLessThan(1e-9);
        LoudnessMeter.HighPass(48_000).Zip(high, (x, y) => Math.Abs(x - y)).Max().ShouldBeLessThan(1e-9);
    }

    // EBU Tech 3341, table 1: stereo sines of 1 kHz with these levels (dBFS) and lengths (s); within 0.1 LU
    [Theory]
    [InlineData(48_000, -23, "-23,20")]
    [InlineData(44_100, -33, "-33,20")]
    [InlineData(16_000, -23, "-36,10 -23,60 -36,10")]
    [InlineData(8_000, -23, "-72,10 -36,10 -23,60 -36,10 -72,10")]
    [InlineData(22_050, -23, "-26,20 -20,20.1 -26,20")]
    public void Stereo_sines_have_the_published_loudness(int rate, double expected, string levels)
    {
        var meter = new LoudnessMeter(rate, 2);
        foreach (string part in levels.Split(' '))
        {
            double[] values = [.. part.Split(',').Select(v => double.Parse(v, CultureInfo.InvariantCulture))];
            double amplitude = Math.Pow(10, values[0] / 20);
            var samples = new float[2 * (int)(rate * values[1])];
            for (int i = 0; i < samples.Length; i++)
                samples[i] = (float)(amplitude * Math.Sin(Math.Tau * 1000 * (i / 2) / rate));
            meter.Add(samples);
        }
        meter.Integrated.ShouldBe(expected, 0.1);
    }

    [Fact]
    public void A_mono_sine_of_full_scale_has_minus_3_01_and_a_short_one_is_measured_as_a_whole()
    {
        float[] sine = [.. Enumerable.Range(0, 96_000).Select(i => (float)Math.Sin(Math.Tau * 997 * i / 48_000))];
        var meter = new LoudnessMeter(48_000, 1);
        meter.Add(sine);
        meter.Integrated.ShouldBe(-3.01, 0.02);
        var brief = new LoudnessMeter(48_000, 1);
        brief.Add(sine.AsSpan(0, 9600));
        brief.Integrated.ShouldBe(-3.01, 0.2);
        var silence = new LoudnessMeter(48_000, 1);
        silence.Add(new float[96_000]);
        silence.Integrated.ShouldBe(double.NegativeInfinity);
    }

    [Fact]
    public void Recordings_are_amplified_to_one_loudness_but_never_beyond_full_scale()
    {
        _folder.Write("in/loud.wav", WavFile.Sine(8000, 1000, 1, 0.9));
        _folder.Write("in/quiet.wav", WavFile.Sine(8000, 1000, 1, 0.01));
        short[] peaky = [.. Enumerable.Range(0, 8000).Select(i => (short)(i == 4000 ? 32000 : 300 * Math.Sin(i)))];
        _folder.Write("in/peaky.wav", WavFile.Of(8000, peaky));
        using AudioData data = AudioData.Prepare(new DataSection
            { Source = _folder["in"], Audio = new() { Loudness = -20 }, Split = SplitSection.None with { Shuffle = false } },
            1, _folder["out"]);
        var clip = new float[8000];
        for (int i = 0; i < 3; i++)
        {
            data.Train.Read(i, clip);
            var meter = new LoudnessMeter(8000, 1);
            meter.Add(clip);
            if (data.Train.Recording(i).Name == "peaky.wav")
                clip.Max().ShouldBe(1, 1e-4f);
            else
                meter.Integrated.ShouldBe(-20, 0.01);
        }
        data.Notes.ShouldContain(
            "Quieter than -20 LUFS, because their peaks reach full scale: 1 sound.");
    }

    [Fact]
    public void Silence_at_both_ends_is_removed()
    {
        float[] silence = new float[1600];
        byte[] sine = WavFile.Sine(8000, 1000, 0.5);
        _folder.Write("sine.wav", sine);
        float[] sound = AudioFiles.Read(_folder["sine.wav"]).Samples[0];
        Directory.CreateDirectory(_folder["in"]);
        AudioFiles.WriteWav(_folder["in/a.wav"], new Sound([[.. silence, .. sound, .. silence, .. silence]], 8000));
        AudioFiles.WriteWav(_folder["in/b.wav"], new Sound([silence], 8000));
        using AudioData data = AudioData.Prepare(new DataSection { Source = _folder["in"],
            Audio = new() { TrimSilence = 40 }, Split = SplitSection.None with { Shuffle = false } }, 1, _folder["out"]);
        data.Train.Recordings.Select(recording => recording.Frames).ShouldBe([4000, 1600]);
        var clip = new float[4000];
        data.Train.Read(0, clip);
        clip.ShouldBe(sound);
    }
}
