namespace Atelier.Data.Audio;

/// <summary>Measures the pitch of a voice by autocorrelation (Rabiner 1977).</summary>
internal static class VoicePitch
{
    private const double Lowest = 80, Highest = 230; // Hz
    private const double LeastCorrelation = 0.5, NearlyGreatest = 0.9;

    /// <summary>Returns the pitch in Hz; null if the sound is not periodic.</summary>
    /// <param name="samples">The samples of one channel.</param>
    /// <param name="sampleRate">Frames per second.</param>
    public static double? Measure(ReadOnlySpan<float> samples, int sampleRate)
    {
        int first = (int)(sampleRate / Highest), last = (int)(sampleRate / Lowest);
        if (samples.Length < 2 * last)
            return null;
        var correlations = new double[last + 2];
        for (int lag = first - 1; lag < correlations.Length; lag++)
            correlations[lag] = Correlation(samples, lag);
        double greatest = correlations.AsSpan(first, last - first + 1).ToArray().Max();
        if (greatest < LeastCorrelation)
            return null;
        // Multiples of the period correlate as well as the period: the smallest one is wanted.
        for (int lag = first; lag <= last; lag++)
        {
            double before = correlations[lag - 1], at = correlations[lag], after = correlations[lag + 1];
            if (at < NearlyGreatest * greatest || at < before || at < after)
                continue;
            double bend = before - (2 * at) + after;
            return sampleRate / (lag + (bend == 0 ? 0 : 0.5 * (before - after) / bend));
        }
        return null;
    }

    /// <summary>Returns the correlation of a sound with itself after a number of frames, −1 to 1.</summary>
    private static double Correlation(ReadOnlySpan<float> samples, int lag)
    {
        double both = 0, early = 1e-12, late = 1e-12;
        for (int i = lag; i < samples.Length; i++)
        {
            both += (double)samples[i] * samples[i - lag];
            early += (double)samples[i - lag] * samples[i - lag];
            late += (double)samples[i] * samples[i];
        }
        return both / Math.Sqrt(early * late);
    }
}
