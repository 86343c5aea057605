using Atelier.Recipes;

namespace Atelier.Data.Audio;

/// <summary>Augments clips at random without changing their class: shift, gain and noise.</summary>
internal sealed class AudioAugmentation
{
    private const double NoiseRange = 20; // dB below the largest level of noise

    private readonly AudioAugmentSection _section;
    private readonly int _shift; // frames

    private AudioAugmentation(AudioAugmentSection section, AudioSchema schema) =>
        (_section, _shift) = (section, (int)Math.Round(section.Shift * schema.SampleRate));

    /// <summary>Returns the augmentation of a recipe; null if it changes no samples.</summary>
    public static AudioAugmentation? Of(AudioAugmentSection section, AudioSchema schema) =>
        section is { Noise: null, Gain: 0, Shift: 0 } ? null : new(section, schema);

    /// <summary>Reads a clip and augments it.</summary>
    /// <param name="part">The sounds.</param>
    /// <param name="number">The number of the clip.</param>
    /// <param name="clip">Receives the samples, [channels, frames].</param>
    /// <param name="random">The random numbers.</param>
    public void Read(AudioPart part, int number, Span<float> clip, SplitMix64 random)
    {
        double where = random.NextDouble(), loud = random.NextDouble(), noisy = random.NextDouble();
        part.Read(number, clip, (int)Math.Floor(where * ((2 * _shift) + 1)) - _shift);
        float gain = (float)Decibels(_section.Gain * ((2 * loud) - 1));
        foreach (ref float sample in clip)
            sample *= gain;
        if (_section.Noise is { } most)
            AddNoise(clip, Decibels(most - (NoiseRange * noisy)), random);
    }

    private static double Decibels(double level) => Math.Pow(10, level / 20);

    /// <summary>Adds Gaussian noise of a level relative to the root mean square of the clip.</summary>
    private static void AddNoise(Span<float> clip, double level, SplitMix64 random)
    {
        double power = 0;
        foreach (float sample in clip)
            power += (double)sample * sample;
        double deviation = level * Math.Sqrt(power / clip.Length);
        foreach (ref float sample in clip)
            sample += (float)(deviation * random.NextNormal());
    }
}
