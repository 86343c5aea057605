using System.Numerics;
using Atelier.Data.Audio;

namespace Atelier.Evaluation.Audio;

/// <summary>
/// The strength of the twelve pitch classes in a sound: the magnitudes of the peaks of its spectra, each in the class
/// of the nearest semitone (Fujishima 1999), with concert pitch at 440 Hz.
/// </summary>
internal static class Chroma
{
    /// <summary>The number of pitch classes.</summary>
    public const int Classes = 12;

    private const double WindowSeconds = 0.25, Concert = 440, Lowest = 120, Highest = 4200; // Hz
    private const int ConcertClass = 9; // A, counted from C
    private const int HopsPerWindow = 4;

    /// <summary>Returns the mean strengths of the pitch classes from C to B, of length one; null for silence.</summary>
    /// <param name="samples">The samples of one channel.</param>
    /// <param name="sampleRate">Samples per second.</param>
    public static double[]? Of(ReadOnlySpan<float> samples, int sampleRate)
    {
        int window = Math.Max(4, (int)(WindowSeconds * sampleRate));
        var stft = new Stft(window, Math.Max(1, window / HopsPerWindow));
        var strengths = new double[Classes];
        double width = (double)sampleRate / stft.Size; // Hz of a bin
        foreach (Complex[] frame in stft.Forward(samples))
        {
            double[] levels = [.. frame.Select(value => Math.Log(value.Magnitude + 1e-9))];
            for (int bin = 1; bin < levels.Length - 1; bin++)
            {
                if (levels[bin] < levels[bin - 1] || levels[bin] <= levels[bin + 1])
                    continue;
                // the vertex of the parabola through the peak and its neighbours
                double bend = levels[bin - 1] - (2 * levels[bin]) + levels[bin + 1];
                double shift = bend < 0 ? (levels[bin - 1] - levels[bin + 1]) / (2 * bend) : 0;
                double frequency = (bin + shift) * width;
                if (frequency is < Lowest or > Highest)
                    continue;
                int semitones = (int)Math.Round(12 * Math.Log2(frequency / Concert));
                strengths[((semitones + ConcertClass) % Classes + Classes) % Classes] += frame[bin].Magnitude;
            }
        }
        double length = Math.Sqrt(strengths.Sum(value => value * value));
        return length > 1e-6 * samples.Length ? [.. strengths.Select(value => value / length)] : null;
    }

    /// <summary>The cosine of the angle between two vectors of length one.</summary>
    public static double Similarity(double[] one, double[] other) => one.Zip(other, (a, b) => a * b).Sum();
}
