using Atelier.Recipes;

namespace Atelier.Data.Audio;

/// <summary>
/// One resolution at which the spectra of two sounds are compared: mel bands of the power, in decibels of full scale.
/// Spectra are scaled so that a sine of full scale has the power 1, and a band is a weighted mean of its bins.
/// </summary>
/// <param name="SampleRate">Samples per second.</param>
/// <param name="Window">The length of the Hann window in samples: a power of two. The hop is a quarter of it.</param>
/// <param name="Bands">The number of mel bands from 0 to half the sample rate.</param>
public sealed record SpectralScale(int SampleRate, int Window, int Bands)
{
    /// <summary>The power that is added before the logarithm: −80 dB of full scale.</summary>
    public const double Floor = 1e-8;

    private const int LeastBands = 4, MostBands = 80;
    private static readonly double[] Seconds = [0.008, 0.016, 0.032, 0.064];

    /// <summary>The samples between two frames.</summary>
    public int Hop => Window / 4;

    /// <summary>The factor of samples that gives a sine of full scale the power 1: 2 / Σ window.</summary>
    public double Factor => 4.0 / Window;

    /// <summary>
    /// Returns the four usual resolutions of a sample rate: windows of about 8, 16, 32 and 64 ms, each with as many
    /// bands as are two bins apart at low frequencies, from 4 to 80.
    /// </summary>
    /// <param name="sampleRate">Samples per second.</param>
    public static IReadOnlyList<SpectralScale> All(int sampleRate) => [.. Seconds.Select(seconds =>
    {
        int window = 1 << (int)Math.Round(Math.Log2(Math.Max(16, seconds * sampleRate)));
        double step = MelFilters.ToMel(2.0 * sampleRate / window, MelScale.Slaney);
        int bands = (int)(MelFilters.ToMel(sampleRate / 2.0, MelScale.Slaney) / step);
        return new SpectralScale(sampleRate, window, Math.Clamp(bands, LeastBands, MostBands));
    })];

    /// <summary>Returns the weights of each band, which sum to 1.</summary>
    /// <returns>[band][bin].</returns>
    public float[][] Filters()
    {
        var settings = new MelSettings(SampleRate, Bands, Window, Hop, 0, SampleRate / 2.0, MelScale.Slaney);
        return [.. MelFilters.Create(settings, (Window / 2) + 1).Select(filter =>
        {
            float sum = filter.Sum();
            return sum > 0 ? Array.ConvertAll(filter, weight => weight / sum) : filter;
        })];
    }

    /// <summary>Computes the level of each band.</summary>
    /// <param name="samples">[time], full scale from −1 to 1.</param>
    /// <returns>[frame][band], in decibels of full scale.</returns>
    public float[][] Levels(ReadOnlySpan<float> samples)
    {
        float[][] filters = Filters();
        double scale = Factor * Factor;
        return [.. new Stft(Window, Hop).Forward(samples).Select(frame =>
        {
            double[] power = Array.ConvertAll(frame, bin =>
                scale * ((bin.Real * bin.Real) + (bin.Imaginary * bin.Imaginary)));
            return Array.ConvertAll(filters, filter => Decibels(filter, power));
        })];
    }

    private static float Decibels(float[] filter, double[] power)
    {
        double sum = Floor;
        for (int bin = 0; bin < power.Length; bin++)
            sum += filter[bin] * power[bin];
        return (float)(10 * Math.Log10(sum));
    }
}
