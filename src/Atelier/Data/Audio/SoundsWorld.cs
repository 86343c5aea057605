using System.Numerics;

namespace Atelier.Data.Audio;

/// <summary>
/// A world of sounds of half a second at 8 kHz: tones, chirps, rhythms and vowels, in 16 equally likely classes. Pitch,
/// span, tempo and level vary within each class, all drawn from a seed. <see cref="SoundsWorldReader"/> measures them
/// from the samples, so that generated sounds are evaluated without a learned classifier.
/// </summary>
public static class SoundsWorld
{
    /// <summary>Its name in recipes.</summary>
    public const string Name = "world:sounds";

    /// <summary>A description in one line.</summary>
    public const string Description = "sounds of half a second: tones, chirps, rhythms and vowels, in 16 classes";

    /// <summary>Frames per second.</summary>
    public const int SampleRate = 8000;

    /// <summary>The frames of a sound.</summary>
    public const int Frames = SampleRate / 2;

    /// <summary>The number of classes of each kind.</summary>
    internal const int Variants = 4;

    private const double Edge = 0.02; // seconds of fading in and out
    private const double NoiseLevel = 0.003; // −50 dB of full scale
    private const double StrokeDecay = 0.012, StrokeLowest = 1000, StrokeHighest = 2500; // seconds, Hz

    /// <summary>The names of the classes.</summary>
    public static IReadOnlyList<string> Classes { get; } =
    [
        "tone-low", "tone-middle", "tone-high", "tone-top", "chirp-up", "chirp-down", "chirp-hill", "chirp-valley",
        "rhythm-4", "rhythm-6", "rhythm-9", "rhythm-13", "vowel-a", "vowel-i", "vowel-u", "vowel-ae",
    ];

    /// <summary>The sample rate, channels, length and classes of its sounds.</summary>
    public static AudioSchema Schema { get; } = new(SampleRate, 1, Frames, Classes);

    /// <summary>The lowest and highest pitch of each class of tones, in Hz.</summary>
    internal static IReadOnlyList<(double Low, double High)> ToneBands { get; } =
        [(260, 340), (480, 620), (880, 1140), (1600, 2080)];

    /// <summary>The strokes in a second of each class of rhythms; they vary by 5 %.</summary>
    internal static IReadOnlyList<double> Tempos { get; } = [4, 6, 9, 13];

    /// <summary>
    /// The first three formants of each class of vowels in Hz: the means of men's voices (Peterson and Barney 1952,
    /// table II).
    /// </summary>
    internal static IReadOnlyList<double[]> Formants { get; } =
        [[730, 1090, 2440], [270, 2290, 3010], [300, 870, 2240], [660, 1720, 2410]];

    /// <summary>
    /// Returns whether <see cref="SoundsWorldReader"/> can measure the classes of a schema: those of this world, in
    /// clips that are not shorter and not of a lower sample rate.
    /// </summary>
    public static bool Reads(AudioSchema schema) => schema.Classes.SequenceEqual(Classes)
        && schema.SampleRate >= SampleRate && schema.ClipSeconds >= Schema.ClipSeconds;

    /// <summary>Returns the n-th sound and what it is.</summary>
    /// <param name="seed">The seed of the world.</param>
    /// <param name="number">The number of the sound.</param>
    /// <returns><see cref="Frames"/> samples, full scale from −1 to 1, and the attributes.</returns>
    public static (float[] Samples, SoundAttributes Attributes) Sample(long seed, long number)
    {
        var random = new SplitMix64(SplitMix64.At((ulong)seed, (ulong)number));
        SoundAttributes attributes = Draw(ref random);
        return (Synthesise(attributes, ref random), attributes);
    }

    /// <summary>Returns the n-th sound as an item of a source; it is synthesised when it is read.</summary>
    internal static AudioItem Item(long seed, long number)
    {
        var random = new SplitMix64(SplitMix64.At((ulong)seed, (ulong)number));
        string name = FormattableString.Invariant($"{number}.wav");
        return new(new AudioEntry(name, $"{Name}:{name}",
                _ => new ArrayStream(Sample(seed, number).Samples, SampleRate, channels: 1)),
            Draw(ref random).Label, Speaker: null, IsTest: false);
    }

    /// <summary>Returns the amplitude of a vowel's spectrum at a frequency, up to a factor.</summary>
    /// <param name="formants">The frequencies of the formants in Hz.</param>
    /// <param name="frequency">The frequency in Hz.</param>
    /// <returns>The product of resonances of second order (Fant 1960), as a cascade synthesiser has them (Klatt 1980).
    /// Their bandwidths are 60 to 120 Hz.</returns>
    internal static double Envelope(double[] formants, double frequency)
    {
        double amplitude = 1;
        for (int k = 0; k < formants.Length; k++)
        {
            double squared = formants[k] * formants[k], width = 60 + (30 * k);
            double real = squared - (frequency * frequency), imaginary = width * frequency;
            amplitude *= squared / Math.Sqrt((real * real) + (imaginary * imaginary));
        }
        return amplitude;
    }

    private static SoundAttributes Draw(ref SplitMix64 random)
    {
        int label = (int)random.Next(Classes.Count), variant = label % Variants;
        double place = random.NextDouble(), extent = random.NextDouble();
        return (SoundKind)(label / Variants) switch
        {
            SoundKind.Tone => new(label, Between(ToneBands[variant].Low, ToneBands[variant].High, place), 0, 0),
            SoundKind.Chirp => new(label, Between(500, 1000, place),
                (0.7 + (0.5 * extent)) * (variant % 2 == 0 ? 1 : -1), 0),
            SoundKind.Rhythm => new(label, 0, 0, Tempos[variant] * (0.95 + (0.1 * place))),
            _ => new(label, Between(100, 180, place), 0, 0),
        };
    }

    private static double Between(double low, double high, double share) => low * Math.Pow(high / low, share);

    private static float[] Synthesise(SoundAttributes attributes, ref SplitMix64 random)
    {
        double level = 0.25 * Math.Pow(2, random.NextDouble()), phase = random.NextDouble();
        double[] sound = attributes.Kind switch
        {
            SoundKind.Rhythm => Rhythm(attributes.Tempo, phase, ref random),
            SoundKind.Vowel => Vowel(attributes.Pitch, Formants[attributes.Label % Variants], ref random),
            _ => Sine(attributes, phase),
        };
        double peak = sound.Max(Math.Abs);
        var samples = new float[Frames];
        for (int i = 0; i < Frames; i++)
            samples[i] = (float)((level * sound[i] / peak * Fade(i)) + (NoiseLevel * random.NextNormal()));
        return samples;
    }

    private static double Fade(int frame) =>
        Math.Min(1, Math.Min(frame + 1, Frames - frame) / (Edge * SampleRate));

    private static double[] Sine(SoundAttributes attributes, double phase)
    {
        bool turns = attributes.Kind == SoundKind.Chirp && attributes.Label % Variants >= 2;
        var sound = new double[Frames];
        for (int i = 0; i < Frames; i++)
        {
            double time = ((double)i / Frames) - 0.5; // −0.5 to 0.5
            double octaves = turns ? attributes.Span * (0.5 - (2 * Math.Abs(time))) : attributes.Span * time;
            sound[i] = Math.Sin(Math.Tau * phase);
            phase += attributes.Pitch * Math.Pow(2, octaves) / SampleRate;
        }
        return sound;
    }

    private static double[] Rhythm(double tempo, double phase, ref SplitMix64 random)
    {
        double frequency = Between(StrokeLowest, StrokeHighest, random.NextDouble()), period = SampleRate / tempo;
        // The first stroke lies in the first tenth of a period, so that each sound has at least two.
        var sound = new double[Frames];
        for (double start = (0.1 * phase * period) + (Edge * SampleRate); start < Frames; start += period)
        {
            for (int i = (int)start; i < Frames; i++)
            {
                double time = (i - start) / SampleRate;
                if (time > 0)
                    sound[i] += Math.Exp(-time / StrokeDecay) * Math.Sin(Math.Tau * frequency * time);
            }
        }
        return sound;
    }

    /// <summary>Adds the harmonics of a voice; the source falls by 6 dB an octave, which includes radiation.</summary>
    private static double[] Vowel(double pitch, double[] formants, ref SplitMix64 random)
    {
        var sound = new double[Frames];
        for (int harmonic = 1; harmonic * pitch < SampleRate / 2.2; harmonic++)
        {
            double amplitude = Envelope(formants, harmonic * pitch) / harmonic, phase = random.NextDouble();
            Complex turn = Complex.FromPolarCoordinates(1, Math.Tau * harmonic * pitch / SampleRate),
                place = Complex.FromPolarCoordinates(amplitude, Math.Tau * phase);
            for (int i = 0; i < Frames; i++, place *= turn)
                sound[i] += place.Imaginary;
        }
        return sound;
    }
}
