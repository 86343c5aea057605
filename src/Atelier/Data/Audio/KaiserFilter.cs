namespace Atelier.Data.Audio;

/// <summary>Low-pass filters: an ideal filter, windowed with the window of Kaiser (1974).</summary>
internal static class KaiserFilter
{
    /// <summary>The attenuation in the stop band, in dB.</summary>
    public const double Attenuation = 100;

    /// <summary>The end of the pass band, as a share of the frequency at which the stop band begins.</summary>
    public const double PassBand = 0.9;

    // Kaiser's formulas for the shape of the window and for its length, from the width of the transition.
    private const double Beta = 0.1102 * (Attenuation - 8.7);

    private static readonly double Peak = Bessel(Beta);

    /// <summary>The taps on each side of the centre, for a stop band that begins at half the sample rate.</summary>
    public static double HalfLength { get; } = (Attenuation - 8) / (2.285 * Math.PI * (1 - PassBand)) / 2;

    /// <summary>
    /// Returns the impulse response at a time. Its pass band ends at 0.9 and its stop band begins at 1.0 times
    /// <paramref name="edge"/>.
    /// </summary>
    /// <param name="time">The time in samples of the input.</param>
    /// <param name="edge">The beginning of the stop band, as a share of half the sample rate; at most 1.</param>
    public static double Response(double time, double edge)
    {
        double half = HalfLength / edge, cutoff = edge * (1 + PassBand) / 2, at = time / half;
        if (Math.Abs(at) >= 1)
            return 0;
        double angle = Math.PI * cutoff * time, sinc = Math.Abs(angle) < 1e-9 ? 1 : Math.Sin(angle) / angle;
        return cutoff * sinc * Bessel(Beta * Math.Sqrt(1 - (at * at))) / Peak;
    }

    /// <summary>Returns the modified Bessel function of the first kind and order 0, by its power series.</summary>
    private static double Bessel(double x)
    {
        double term = 1, sum = 1;
        for (int k = 1; term > sum * 1e-17; k++)
        {
            term *= x / (2 * k) * (x / (2 * k));
            sum += term;
        }
        return sum;
    }
}
