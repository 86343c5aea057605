using Atelier.Data.Audio;
using Atelier.Recipes;

namespace Atelier.Tests.Data.Audio;

public sealed class SpectrogramImagesTests
{
    private static SpectrogramFormat Format(int samples = SoundsWorld.Frames) => new(
        MelSettings.Of(new SpectrogramSection { MelCount = 48, Window = 320, Hop = 80 }, 8000), samples, -60, 20);

    [Fact]
    public void Columns_are_frames_in_multiples_of_eight_and_rows_are_bands_from_high_to_low()
    {
        SpectrogramFormat format = Format();
        (format.Frames, format.Width).ShouldBe((51, 56));
        var drawing = new SpectrogramImages(format);
        foreach ((double frequency, bool isLow) in ((double, bool)[])[(200, true), (3500, false)])
        {
            float[] tone = [.. Enumerable.Range(0, SoundsWorld.Frames)
                .Select(i => 0.5f * (float)Math.Sin(Math.Tau * frequency * i / 8000))];
            byte[] image = drawing.ToImage(tone);
            double[] rows = [.. image.Chunk(56).Select(row => row.Average(value => (double)value))];
            (Array.IndexOf(rows, rows.Max()) > 24).ShouldBe(isLow);
            image.Where((_, i) => i % 56 >= 51).ShouldAllBe(grey => grey == 0);
        }
    }

    [Fact]
    public void Sounds_of_the_world_are_still_what_they_are_after_their_spectrogram()
    {
        var drawing = new SpectrogramImages(Format());
        int right = Enumerable.Range(0, 60).AsParallel().Count(i =>
        {
            (float[] samples, SoundAttributes attributes) = SoundsWorld.Sample(5, i);
            float[] again = drawing.ToSamples(drawing.ToImage(samples), seed: i);
            return SoundsWorldReader.Classify(again, 8000) == attributes.Label;
        });
        right.ShouldBeGreaterThan(54);
    }

    [Fact]
    public void Silence_is_black_and_black_is_silence()
    {
        var drawing = new SpectrogramImages(Format());
        drawing.ToImage(new float[SoundsWorld.Frames]).ShouldAllBe(grey => grey == 0);
        drawing.ToSamples(new byte[48 * 56], 1).ShouldAllBe(value => value == 0);
        Should.Throw<ArgumentOutOfRangeException>(() => drawing.ToImage(new float[10]));
        Should.Throw<ArgumentOutOfRangeException>(() => drawing.ToSamples(new byte[10], 1));
    }
}
