using System.Globalization;
using Atelier.Data.Audio;
using Atelier.Formats;
using Atelier.Recipes;
using SkiaSharp;

namespace Atelier.Evaluation.Plots;

/// <summary>Draws sounds as their waveforms and mel spectrograms, in a grid.</summary>
public static class SoundSheet
{
    private const float Wide = 260, TitleTall = 18, WaveTall = 48, SpectrumTall = 96, Gap = 14; // points
    private const float Tall = TitleTall + WaveTall + SpectrumTall + 2, TextSize = 10;
    private const float DynamicRange = 80; // dB
    private const int MostColumns = 4, LongestTitle = 44, MostMels = 96;

    // The colours of matplotlib's map "viridis" at 0, 1/4, 1/2, 3/4 and 1.
    private static readonly SKColor[] Colours =
    [
        new(0x44, 0x01, 0x54), new(0x3B, 0x52, 0x8B), new(0x21, 0x91, 0x8C), new(0x5E, 0xC9, 0x62),
        new(0xFD, 0xE7, 0x25),
    ];

    /// <summary>Writes a sheet as a PNG file, whole or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <param name="sounds">The sounds with their titles; of several channels, the first is drawn.</param>
    /// <exception cref="AtelierException">The file or folder cannot be written.</exception>
    public static void Write(string path, IReadOnlyList<(string Title, Sound Sound)> sounds)
    {
        byte[] png = Encode(sounds);
        AtomicFile.Write(path, stream => stream.Write(png));
    }

    /// <summary>Encodes a sheet as PNG.</summary>
    /// <inheritdoc cref="Write" path="/param[@name != 'path']"/>
    public static byte[] Encode(IReadOnlyList<(string Title, Sound Sound)> sounds)
    {
        int columns = Math.Clamp((int)Math.Ceiling(Math.Sqrt(sounds.Count)), 1, MostColumns),
            rows = Math.Max(1, (sounds.Count + columns - 1) / columns);
        return Canvas.Png(Gap + (columns * (Wide + Gap)), Gap + (rows * (Tall + Gap)), canvas =>
        {
            for (int i = 0; i < sounds.Count; i++)
            {
                float left = Gap + (i % columns * (Wide + Gap)), top = Gap + (i / columns * (Tall + Gap));
                Draw(canvas, left, top, sounds[i].Title, sounds[i].Sound);
            }
        });
    }

    private static void Draw(SKCanvas canvas, float left, float top, string title, Sound sound)
    {
        string shown = title.Length <= LongestTitle ? title : "…" + title[^LongestTitle..];
        Canvas.Write(canvas, shown, left, top + (TitleTall / 2), TextSize, Canvas.Ink);
        Canvas.Write(canvas, string.Create(CultureInfo.InvariantCulture, $"{sound.Seconds:0.##} s"), left + Wide,
            top + (TitleTall / 2), TextSize, Canvas.Ink, SKTextAlign.Right);
        if (sound.Frames == 0)
            return;
        DrawWave(canvas, SKRect.Create(left, top + TitleTall, Wide, WaveTall), sound.Samples[0]);
        using SKBitmap spectrum = Spectrum(sound);
        using var image = SKImage.FromBitmap(spectrum);
        canvas.DrawImage(image, SKRect.Create(left, top + TitleTall + WaveTall + 2, Wide, SpectrumTall),
            new SKSamplingOptions(SKFilterMode.Linear));
    }

    /// <summary>Draws the lowest and highest sample of each half point, full scale being the height.</summary>
    private static void DrawWave(SKCanvas canvas, SKRect place, float[] samples)
    {
        using var ground = new SKPaint { Color = new SKColor(0xF2, 0xF4, 0xF7) };
        canvas.DrawRect(place, ground);
        using var paint = new SKPaint { Color = new SKColor(0x2F, 0x6C, 0xB5), StrokeWidth = 0.5f, IsAntialias = true };
        int steps = (int)(2 * Wide);
        for (int step = 0; step < steps; step++)
        {
            int from = (int)((long)samples.Length * step / steps),
                to = Math.Max(from + 1, (int)((long)samples.Length * (step + 1) / steps));
            ReadOnlySpan<float> piece = samples.AsSpan(from, Math.Min(to, samples.Length) - from);
            float low = 0, high = 0;
            foreach (float sample in piece)
                (low, high) = (Math.Min(low, sample), Math.Max(high, sample));
            float x = place.Left + (step / 2f), half = WaveTall / 2;
            canvas.DrawLine(x, place.MidY - (Math.Min(1, high) * half) - 0.25f, x,
                place.MidY - (Math.Max(-1, low) * half) + 0.25f, paint);
        }
    }

    /// <summary>Returns the mel spectrogram, low frequencies at the bottom, from −80 dB to its maximum.</summary>
    private static SKBitmap Spectrum(Sound sound)
    {
        MelSettings settings = MelSettings.Of(new SpectrogramSection { MelCount = MostMels }, sound.SampleRate);
        // Longer hops suffice for long sounds.
        int hop = Math.Max(settings.Hop, (int)Math.Min(settings.Window / 2, sound.Frames / (4 * (long)Wide)));
        float[][] levels = MelSpectrogram.ToDecibels(
            new MelSpectrogram(settings with { Hop = hop }).Power(sound.Samples[0]));
        float most = levels.Max(frame => frame.Max());
        var bitmap = new SKBitmap(levels.Length, MostMels, SKColorType.Rgba8888, SKAlphaType.Opaque);
        for (int t = 0; t < levels.Length; t++)
        {
            for (int band = 0; band < MostMels; band++)
                bitmap.SetPixel(t, MostMels - 1 - band, Colour(1 + ((levels[t][band] - most) / DynamicRange)));
        }
        return bitmap;
    }

    private static SKColor Colour(float share)
    {
        float place = Math.Clamp(share, 0, 1) * (Colours.Length - 1);
        int below = Math.Min((int)place, Colours.Length - 2);
        (SKColor low, SKColor high, float part) = (Colours[below], Colours[below + 1], place - below);
        return new(Mix(low.Red, high.Red), Mix(low.Green, high.Green), Mix(low.Blue, high.Blue));

        byte Mix(byte from, byte to) => (byte)(from + (part * (to - from)));
    }
}
