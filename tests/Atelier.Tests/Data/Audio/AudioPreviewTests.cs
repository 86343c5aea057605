using Atelier.Data;
using Atelier.Data.Audio;
using Atelier.Evaluation.Plots;
using Atelier.Recipes;
using Atelier.TestSupport;
using SkiaSharp;

namespace Atelier.Tests.Data.Audio;

public sealed class AudioPreviewTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_folder_of_sounds_of_several_kinds_is_counted_and_measured()
    {
        _folder.Write("a/1.wav", WavFile.Sine(48_000, 1000, 1));
        _folder.Write("b/2.wav", WavFile.Sine(8000, 1000, 20));
        _folder.Write("b/3.wav", WavFile.Of(1, 16, 2, 8000, new byte[800]));
        _folder.Write("b/4.wav", WavFile.Of(1, 16, 1, 8000, [0, 0], claimed: 1000));
        _folder.Write("b/readme.txt", "words");
        SourceKind.Of(_folder.Path).ShouldBe(Modality.Audio);
        AudioPreview preview = AudioPreview.Of(new DataSection { Source = _folder.Path }, 1, 2);
        preview.Seconds.ShouldBe([1, 20, 0.025, 1 / 8000.0]);
        preview.SampleRates.ShouldBe([new(8000, 3), new(48_000, 1)]);
        preview.Channels.ShouldBe([new(1, 3), new(2, 1)]);
        preview.PerClass.ShouldBe([new("a", 1), new("b", 3)]);
        preview.Loudness.Count.ShouldBe(2);
        preview.Loudness[^1].ShouldBe(-3.01 - 6.02, 0.05); // a sine of half of full scale
        preview.First.Select(sound => (sound.Name, sound.Class, sound.Sound.Seconds))
            .ShouldBe([("a/1.wav", "a", 1.0), ("b/3.wav", "b", 0.025)]);
        preview.Notes.ShouldContain(note => note.EndsWith("4.wav is cut short: its header announces more samples.",
            StringComparison.Ordinal));
    }

    [Fact]
    public void A_sheet_shows_a_rising_sound_as_a_line_that_rises()
    {
        float[] chirp = [.. Enumerable.Range(0, 8000).Select(i =>
            (float)Math.Sin(Math.Tau * ((200 * i / 8000.0) + (1600 * i / 8000.0 * i / 8000.0))))];
        SoundSheet.Write(_folder["sheet.png"], [("chirp", new Sound([chirp], 8000))]);
        using SKBitmap sheet = SKBitmap.Decode(_folder["sheet.png"]);
        (sheet.Width, sheet.Height).ShouldBe((2 * (14 + 274), 2 * (14 + 178)));
        int before = int.MaxValue;
        foreach (int x in (int[])[150, 250, 350, 450])
        {
            // the brightest place of this column of the spectrogram
            int y = Enumerable.Range(170, 180).MaxBy(row => sheet.GetPixel(x, row).Green);
            y.ShouldBeLessThan(before);
            before = y;
        }
    }

    [Fact]
    public void Recordings_of_music_and_speech_are_decoded()
    {
        DataFolder.File("recordings", "sorohanro_-_solo-trumpet-06.ogg");
        Command.Ffmpeg("-version");
        AudioPreview preview = AudioPreview.Of(new DataSection
            { Source = Path.GetDirectoryName(DataFolder.File("recordings", "3436-172162-0000.ogg"))! }, 1, 1);
        preview.Count.ShouldBe(6);
        preview.SampleRates.ShouldBe([new(22_050, 6)]);
        preview.Seconds[^1].ShouldBe(5.33, 0.01);
    }
}
