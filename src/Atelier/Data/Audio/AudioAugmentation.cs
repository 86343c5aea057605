using Atelier.Recipes;

namespace Atelier.Data.Audio;

/// <summary>Augments clips at random without changing their class: speed, shift, gain, tilt and noise.</summary>
internal sealed class AudioAugmentation
{
    private const double NoiseRange = 20; // dB below the largest level of noise
    private const int SpeedSteps = 40; // speeds are multiples of 1 / 40
    private const double LowestCorner = 0.01, HighestCorner = 0.1; // of tilts, as shares of the sample rate

    private readonly AudioAugmentSection _section;
    private readonly AudioSchema _schema;
    private readonly int _shift; // frames
    private readonly PolyphaseFilter[] _speeds;

    private AudioAugmentation(AudioAugmentSection section, AudioSchema schema)
    {
        (_section, _schema) = (section, schema);
        _shift = (int)Math.Round(section.Shift * schema.SampleRate);
        int most = (int)Math.Round(section.Speed * SpeedSteps);
        _speeds = [.. Enumerable.Range(-most, (2 * most) + 1)
            .Select(step => new PolyphaseFilter(SpeedSteps + step, SpeedSteps))];
    }

    /// <summary>Returns the augmentation of a recipe; null if it changes no samples.</summary>
    public static AudioAugmentation? Of(AudioAugmentSection section, AudioSchema schema) =>
        section is { Noise: null, Gain: 0, Shift: 0, Speed: 0, Tilt: 0 } ? null : new(section, schema);

    /// <summary>Reads a clip and augments it.</summary>
    /// <param name="part">The sounds.</param>
    /// <param name="number">The number of the clip.</param>
    /// <param name="clip">Receives the samples, [channels, frames].</param>
    /// <param name="random">The random numbers.</param>
    public void Read(AudioPart part, int number, Span<float> clip, SplitMix64 random)
    {
        double where = random.NextDouble(), loud = random.NextDouble(), noisy = random.NextDouble();
        int shift = (int)Math.Floor(where * ((2 * _shift) + 1)) - _shift;
        if (_section.Speed == 0)
            part.Read(number, clip, shift);
        else
            ReadAtSpeed(part, number, clip, shift, _speeds[(int)random.Next(_speeds.Length)]);
        float gain = (float)Decibels(_section.Gain * ((2 * loud) - 1));
        foreach (ref float sample in clip)
            sample *= gain;
        if (_section.Tilt > 0)
            Tilt(clip, _section.Tilt * ((2 * random.NextDouble()) - 1), random.NextDouble());
        if (_section.Noise is { } most)
            AddNoise(clip, Decibels(most - (NoiseRange * noisy)), random);
    }

    private static double Decibels(double level) => Math.Pow(10, level / 20);

    /// <summary>Reads as many frames as a clip has at a speed, and converts them to the clip's length.</summary>
    private void ReadAtSpeed(AudioPart part, int number, Span<float> clip, int shift, PolyphaseFilter speed)
    {
        int channels = _schema.Channels, frames = ((_schema.ClipFrames * speed.Down) + speed.Up - 1) / speed.Up;
        var read = new float[channels * frames];
        part.Read(number, read, shift);
        for (int channel = 0; channel < channels; channel++)
        {
            using ISampleStream stream = ResampledStream.AtSpeed(
                new ArrayStream(read[(channel * frames)..((channel + 1) * frames)], _schema.SampleRate, 1), speed);
            stream.Read(clip.Slice(channel * _schema.ClipFrames, _schema.ClipFrames));
        }
    }

    /// <summary>Amplifies what is below a corner frequency by half of the decibels, and attenuates the rest.</summary>
    /// <param name="clip">The samples, [channels, frames].</param>
    /// <param name="decibels">The difference of both levels.</param>
    /// <param name="corner">Where the corner lies, from 0 to 1 on a logarithmic scale.</param>
    private void Tilt(Span<float> clip, double decibels, double corner)
    {
        double frequency = LowestCorner * Math.Pow(HighestCorner / LowestCorner, corner);
        // a low-pass filter of the first order, by the bilinear transform
        double tangent = Math.Tan(Math.PI * frequency);
        float inputs = (float)(tangent / (1 + tangent)), past = (float)((1 - tangent) / (1 + tangent));
        float low = (float)Decibels(decibels / 2), high = 1 / low;
        for (int start = 0; start < clip.Length; start += _schema.ClipFrames)
        {
            float before = 0, smooth = 0;
            foreach (ref float sample in clip.Slice(start, _schema.ClipFrames))
            {
                smooth = (inputs * (sample + before)) + (past * smooth);
                before = sample;
                sample = (low * smooth) + (high * (sample - smooth));
            }
        }
    }

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
