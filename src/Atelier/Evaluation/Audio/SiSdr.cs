namespace Atelier.Evaluation.Audio;

/// <summary>
/// The scale-invariant signal-to-distortion ratio in dB (Le Roux et al. 2019, "SDR – half-baked or well done?", eq. 3):
/// 10 log10(|αx|² / |αx − y|²), where αx is the projection of the other sound y on the original x.
/// </summary>
public static class SiSdr
{
    /// <summary>Computes the ratio.</summary>
    /// <param name="original">x, [time].</param>
    /// <param name="other">y, [time], of the same length.</param>
    /// <returns>The ratio in dB: infinity if y is a multiple of x, and minus infinity if y has nothing of x, or x is
    /// silent.</returns>
    public static double Between(ReadOnlySpan<float> original, ReadOnlySpan<float> other)
    {
        Distortion.RequireSameLength(original, other);
        double energy = 0, product = 0;
        for (int i = 0; i < original.Length; i++)
        {
            energy += (double)original[i] * original[i];
            product += (double)original[i] * other[i];
        }
        double scale = energy > 0 ? product / energy : 0, signal = scale * scale * energy, distortion = 0;
        for (int i = 0; i < original.Length; i++)
        {
            double difference = (scale * original[i]) - other[i];
            distortion += difference * difference;
        }
        return signal > 0 ? 10 * Math.Log10(signal / distortion) : double.NegativeInfinity;
    }
}
