namespace Atelier.Data.Audio;

/// <summary>A sound in memory.</summary>
/// <param name="Samples">[channels][frames], full scale from −1 to 1; all channels have the same length.</param>
/// <param name="SampleRate">Frames per second.</param>
public sealed record Sound(IReadOnlyList<float[]> Samples, int SampleRate)
{
    /// <summary>The number of channels.</summary>
    public int Channels => Samples.Count;

    /// <summary>The number of frames.</summary>
    public int Frames => Samples.Count == 0 ? 0 : Samples[0].Length;

    /// <summary>The length in seconds.</summary>
    public double Seconds => (double)Frames / SampleRate;

    /// <summary>Returns the samples of a clip, [channels, frames], as a sound.</summary>
    /// <param name="samples">The samples of the first channel, then of the next.</param>
    /// <param name="channels">The number of channels.</param>
    /// <param name="sampleRate">Frames per second.</param>
    public static Sound Of(ReadOnlySpan<float> samples, int channels, int sampleRate)
    {
        int frames = samples.Length / channels;
        var planes = new float[channels][];
        for (int channel = 0; channel < channels; channel++)
            planes[channel] = samples.Slice(channel * frames, frames).ToArray();
        return new(planes, sampleRate);
    }

    /// <summary>Returns interleaved samples.</summary>
    internal float[] Interleaved()
    {
        var samples = new float[Channels * Frames];
        for (int i = 0; i < samples.Length; i++)
            samples[i] = Samples[i % Channels][i / Channels];
        return samples;
    }
}
