using Atelier.Recipes;

namespace Atelier.Data.Audio;

/// <summary>
/// Masks bands of frequencies and stretches of time of a spectrogram at random (SpecAugment, Park et al. 2019, without
/// time warping).
/// </summary>
/// <param name="section">The number and the largest width of the masks.</param>
public sealed class SpecAugment(AudioAugmentSection section)
{
    /// <summary>Whether spectrograms are changed.</summary>
    public bool IsActive => section is { MaskCount: > 0, MaskShare: > 0 };

    /// <summary>Masks a spectrogram in place.</summary>
    /// <param name="spectrogram">[band, frame].</param>
    /// <param name="bands">The number of bands.</param>
    /// <param name="value">The value of masked cells, such as the mean or the value of silence.</param>
    /// <param name="random">The random numbers.</param>
    public void Apply(Span<float> spectrogram, int bands, float value, SplitMix64 random)
    {
        int frames = spectrogram.Length / bands;
        for (int mask = 0; mask < section.MaskCount; mask++)
        {
            (int lowest, int count) = Draw(bands, ref random);
            spectrogram.Slice(lowest * frames, count * frames).Fill(value);
            (int first, int length) = Draw(frames, ref random);
            for (int band = 0; band < bands; band++)
                spectrogram.Slice((band * frames) + first, length).Fill(value);
        }
    }

    private (int First, int Count) Draw(int size, ref SplitMix64 random)
    {
        int count = (int)random.Next((long)(section.MaskShare * size) + 1);
        return ((int)random.Next(size - count + 1), count);
    }
}
