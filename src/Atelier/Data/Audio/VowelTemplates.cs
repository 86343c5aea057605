namespace Atelier.Data.Audio;

/// <summary>Recognises the vowels of <see cref="SoundsWorld"/> by the levels of their harmonics.</summary>
internal static class VowelTemplates
{
    private const double Floor = -35, Farthest = 10; // dB
    private const double Highest = 3400; // Hz
    private const double Reach = 0.3; // of the pitch, around each harmonic

    /// <summary>Returns the vowel whose harmonics have the nearest levels; −1 if all differ by more than 10 dB.</summary>
    /// <param name="power">The power of each bin of a spectrum.</param>
    /// <param name="pitch">The pitch of the voice in Hz.</param>
    /// <param name="binWidth">The width of a bin in Hz.</param>
    public static int Nearest(double[] power, double pitch, double binWidth)
    {
        int count = (int)(Highest / pitch);
        double[] found = Levels([.. Enumerable.Range(1, count).Select(k =>
        {
            int low = (int)((k - Reach) * pitch / binWidth), high = (int)Math.Ceiling((k + Reach) * pitch / binWidth);
            return Math.Sqrt(power[low..(Math.Min(high, power.Length - 1) + 1)].Max());
        })]);
        double[] distances = [.. SoundsWorld.Formants.Select(formants =>
            Distance(found, Levels([.. Enumerable.Range(1, count)
                .Select(k => SoundsWorld.Envelope(formants, k * pitch) / k)])))];
        return distances.Min() > Farthest ? -1 : Array.IndexOf(distances, distances.Min());
    }

    /// <summary>Converts amplitudes to dB below the largest, at least the floor.</summary>
    private static double[] Levels(double[] amplitudes)
    {
        double most = amplitudes.Max();
        return Array.ConvertAll(amplitudes, one => Math.Max(Floor, 20 * Math.Log10((one / most) + 1e-9)));
    }

    /// <summary>Returns the standard deviation of the differences of two lists of levels.</summary>
    private static double Distance(double[] x, double[] y)
    {
        double[] differences = [.. x.Zip(y, (one, other) => one - other)];
        double mean = differences.Average();
        return Math.Sqrt(differences.Average(difference => (difference - mean) * (difference - mean)));
    }
}
