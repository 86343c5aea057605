using Atelier.Data.Audio;

namespace Atelier.Evaluation.Audio;

/// <summary>How much a sound differs from its original.</summary>
/// <param name="MelDistance">The distance between mel spectrograms in dB; see <see cref="Audio.MelDistance"/>.</param>
/// <param name="LogSpectralDistance">The log-spectral distance in dB; see
/// <see cref="Audio.LogSpectralDistance"/>.</param>
/// <param name="SiSdr">The scale-invariant signal-to-distortion ratio in dB; see <see cref="Audio.SiSdr"/>.</param>
public sealed record Distortion(double MelDistance, double LogSpectralDistance, double SiSdr)
{
    /// <summary>Compares a sound with its original: the mean over channels.</summary>
    /// <param name="original">The original.</param>
    /// <param name="other">The sound, of the same sample rate and number of channels. If its length differs, it is
    /// cut or filled up with silence.</param>
    public static Distortion Between(Sound original, Sound other)
    {
        if ((original.SampleRate, original.Channels) != (other.SampleRate, other.Channels))
            throw new ArgumentException("the sounds have other sample rates or channels", nameof(other));
        (double mel, double spectral, double ratio) = (0, 0, 0);
        for (int channel = 0; channel < original.Channels; channel++)
        {
            float[] samples = original.Samples[channel], again = other.Samples[channel];
            Array.Resize(ref again, samples.Length);
            mel += Audio.MelDistance.Between(samples, again, original.SampleRate) / original.Channels;
            spectral += Audio.LogSpectralDistance.Between(samples, again, original.SampleRate) / original.Channels;
            ratio += Audio.SiSdr.Between(samples, again) / original.Channels;
        }
        return new(mel, spectral, ratio);
    }

    /// <summary>Throws unless two sounds have the same length.</summary>
    internal static void RequireSameLength(ReadOnlySpan<float> original, ReadOnlySpan<float> other)
    {
        if (original.Length != other.Length)
            throw new ArgumentException($"the sounds have {original.Length} and {other.Length} samples", nameof(other));
    }
}
