using Atelier.Recipes;

namespace Atelier.Data.Audio;

/// <summary>
/// Triangular filters whose centres are equally spaced on a mel scale, as librosa.filters.mel defines them: each triangle
/// reaches from the centre of the band below to that of the band above, and has the area 1 over frequency in Hz (norm
/// "slaney").
/// </summary>
public static class MelFilters
{
    // Slaney's scale: 200 / 3 Hz a mel up to 1 kHz, then 27 mels for each factor of 6.4.
    private const double Linear = 200.0 / 3, Corner = 1000, CornerMel = Corner / Linear;
    private static readonly double Step = Math.Log(6.4) / 27;

    /// <summary>Converts a frequency in Hz to mels.</summary>
    public static double ToMel(double hertz, MelScale scale) => scale == MelScale.Htk
        ? 2595 * Math.Log10(1 + (hertz / 700))
        : hertz < Corner ? hertz / Linear : CornerMel + (Math.Log(hertz / Corner) / Step);

    /// <summary>Converts mels to a frequency in Hz.</summary>
    public static double ToHertz(double mel, MelScale scale) => scale == MelScale.Htk
        ? 700 * (Math.Pow(10, mel / 2595) - 1)
        : mel < CornerMel ? mel * Linear : Corner * Math.Exp(Step * (mel - CornerMel));

    /// <summary>Returns frequencies that are equally spaced on a mel scale.</summary>
    /// <param name="count">The number of frequencies; at least 2.</param>
    /// <param name="lowest">The first frequency in Hz.</param>
    /// <param name="highest">The last frequency in Hz.</param>
    /// <param name="scale">The mel scale.</param>
    public static double[] Frequencies(int count, double lowest, double highest, MelScale scale)
    {
        double low = ToMel(lowest, scale), high = ToMel(highest, scale);
        return [.. Enumerable.Range(0, count).Select(i => ToHertz(low + ((high - low) * i / (count - 1)), scale))];
    }

    /// <summary>Returns the weights of each band.</summary>
    /// <param name="settings">The number and range of the bands.</param>
    /// <param name="bins">The bins of the spectrum, from 0 to half the sample rate.</param>
    /// <returns>[band][bin].</returns>
    public static float[][] Create(MelSettings settings, int bins)
    {
        double[] edges =
            Frequencies(settings.MelCount + 2, settings.MinFrequency, settings.MaxFrequency, settings.Scale);
        var filters = new float[settings.MelCount][];
        for (int band = 0; band < settings.MelCount; band++)
        {
            (double low, double centre, double high) = (edges[band], edges[band + 1], edges[band + 2]);
            filters[band] = new float[bins];
            for (int bin = 0; bin < bins; bin++)
            {
                double hertz = bin * settings.SampleRate / 2.0 / (bins - 1);
                double height = Math.Min((hertz - low) / (centre - low), (high - hertz) / (high - centre));
                filters[band][bin] = (float)(Math.Max(0, height) * 2 / (high - low));
            }
        }
        return filters;
    }
}
