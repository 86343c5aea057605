using System.Numerics;
using Atelier.Data.Audio;

namespace Atelier.Evaluation.Audio;

/// <summary>
/// The log-spectral distance in dB (Gray and Markel 1976, "Distance measures for speech processing"): the root of the
/// mean squared difference between the power spectra in dB, and then the mean over frames. Frames have Hann windows of
/// about 32 ms with a hop of a quarter; power is in decibels of full scale, with a floor of −80 dB.
/// </summary>
public static class LogSpectralDistance
{
    private const double Seconds = 0.032;

    /// <summary>Computes the distance.</summary>
    /// <param name="original">[time], full scale from −1 to 1.</param>
    /// <param name="other">[time], of the same length.</param>
    /// <param name="sampleRate">Samples per second.</param>
    public static double Between(ReadOnlySpan<float> original, ReadOnlySpan<float> other, int sampleRate)
    {
        Distortion.RequireSameLength(original, other);
        int window = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, Seconds * sampleRate));
        var stft = new Stft(window, window / 4);
        return stft.Forward(original).Zip(stft.Forward(other), (a, b) => Math.Sqrt(a.Zip(b, (x, y) =>
        {
            double difference = Decibels(x) - Decibels(y);
            return difference * difference;
        }).Average())).Average();

        double Decibels(Complex bin)
        {
            double scaled = bin.Magnitude * 4 / window; // a sine of full scale has the magnitude 1
            return 10 * Math.Log10((scaled * scaled) + SpectralScale.Floor);
        }
    }
}
