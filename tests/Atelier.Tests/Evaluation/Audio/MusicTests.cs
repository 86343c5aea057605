using Atelier.Abstractions;
using Atelier.Evaluation.Audio;

namespace Atelier.Tests.Evaluation.Audio;

public class MusicTests
{
    private const int SampleRate = 8000;

    private static readonly string[] Names =
        ["c", "c#", "d", "d#", "e", "f", "f#", "g", "g#", "a", "a#", "b"];

    [Theory]
    [InlineData(440.0, "a")]
    [InlineData(220.0, "a")]
    [InlineData(261.63, "c")]
    [InlineData(1479.98, "f#")]
    [InlineData(493.88, "b")]
    public void A_tone_is_strongest_in_its_pitch_class(double frequency, string name)
    {
        double[] chroma = Chroma.Of(Tones(2, frequency), SampleRate)!;
        chroma.Sum(value => value * value).ShouldBe(1, 1e-9);
        Names[Array.IndexOf(chroma, chroma.Max())].ShouldBe(name);
        chroma.Max().ShouldBeGreaterThan(0.9);
    }

    [Fact]
    public void A_chord_is_similar_to_itself_an_octave_higher_and_not_to_one_without_common_notes()
    {
        double[] c = [261.63, 329.63, 392.00], fSharp = [369.99, 466.16, 554.37];
        float[] one = Tones(2, c), higher = Tones(2, [.. c.Select(f => 2 * f)]), other = Tones(2, fSharp);
        MusicComparison.Of(one, higher, SampleRate).ChromaSimilarity!.Value.ShouldBeGreaterThan(0.9);
        MusicComparison.Of(one, other, SampleRate).ChromaSimilarity!.Value.ShouldBeLessThan(0.3);
        MusicComparison.Of(one, new float[8000], SampleRate).ChromaSimilarity.ShouldBeNull("silence has no pitch");
    }

    [Theory]
    [InlineData(60)]
    [InlineData(90)]
    [InlineData(120)]
    [InlineData(137)]
    [InlineData(180)]
    public void Strokes_at_equal_intervals_have_their_tempo(double tempo)
    {
        float[] strokes = Strokes(8, tempo);
        Tempo.Of(strokes, SampleRate)!.Value.ShouldBe(tempo, 0.02 * tempo);
        SoundContinuation both = MusicComparison.Of(strokes, Strokes(6, tempo), SampleRate);
        both.GivenSeconds.ShouldBe(8);
        both.Tempo!.Value.ShouldBe(both.GivenTempo!.Value, 0.02 * tempo);
    }

    [Fact]
    public void A_steady_tone_noise_and_a_short_sound_have_no_tempo()
    {
        Tempo.Of(Tones(4, 440), SampleRate).ShouldBeNull();
        Tempo.Of(Strokes(1.5, 120), SampleRate).ShouldBeNull("it is shorter than two seconds");
        Tempo.Of(new float[4 * SampleRate], SampleRate).ShouldBeNull();
    }

    private static float[] Tones(double seconds, params double[] frequencies) =>
        [.. Enumerable.Range(0, (int)(seconds * SampleRate)).Select(i => (float)frequencies.Sum(frequency =>
            0.2 * Math.Sin(Math.Tau * frequency * i / SampleRate)))];

    private static float[] Strokes(double seconds, double tempo)
    {
        double interval = 60 / tempo;
        return [.. Enumerable.Range(0, (int)(seconds * SampleRate)).Select(i =>
        {
            double within = (double)i / SampleRate % interval;
            return (float)(0.5 * Math.Exp(-within / 0.03) * Math.Sin(Math.Tau * 900 * within));
        })];
    }
}
