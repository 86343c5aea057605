using Atelier.Data.Audio;

namespace Atelier.Evaluation.Audio;

/// <summary>
/// The distance between the mel spectrograms of two sounds in dB: the mean absolute difference between the levels of
/// all bands and frames, and then the mean over windows of about 8, 16, 32 and 64 ms (<see cref="SpectralScale"/>).
/// Levels are in decibels of full scale, with a floor of −80 dB.
/// </summary>
public static class MelDistance
{
    /// <summary>Computes the distance.</summary>
    /// <param name="original">[time], full scale from −1 to 1.</param>
    /// <param name="other">[time], of the same length.</param>
    /// <param name="sampleRate">Samples per second.</param>
    public static double Between(ReadOnlySpan<float> original, ReadOnlySpan<float> other, int sampleRate)
    {
        Distortion.RequireSameLength(original, other);
        double sum = 0;
        IReadOnlyList<SpectralScale> scales = SpectralScale.All(sampleRate);
        foreach (SpectralScale scale in scales)
        {
            sum += scale.Levels(original).Zip(scale.Levels(other), (a, b) =>
                a.Zip(b, (x, y) => Math.Abs((double)x - y)).Average()).Average();
        }
        return sum / scales.Count;
    }
}
