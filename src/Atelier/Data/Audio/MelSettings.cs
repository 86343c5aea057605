using System.Numerics;
using Atelier.Recipes;

namespace Atelier.Data.Audio;

/// <summary>The settings of a mel spectrogram, with all defaults resolved.</summary>
/// <param name="SampleRate">Samples per second.</param>
/// <param name="MelCount">The number of mel bands.</param>
/// <param name="Window">The length of the Hann window in samples.</param>
/// <param name="Hop">The samples between two frames.</param>
/// <param name="MinFrequency">The lowest frequency of the bands in Hz.</param>
/// <param name="MaxFrequency">The highest frequency of the bands in Hz.</param>
/// <param name="Scale">The mel scale.</param>
public sealed record MelSettings(int SampleRate, int MelCount, int Window, int Hop, double MinFrequency,
    double MaxFrequency, MelScale Scale)
{
    private const double UsualSeconds = 0.025;
    private const int HopsPerWindow = 4;

    /// <summary>Returns the settings of a recipe at a sample rate.</summary>
    /// <param name="section">The recipe's section.</param>
    /// <param name="sampleRate">Samples per second.</param>
    /// <exception cref="AtelierException">The frequencies are in the wrong order, or above half the sample rate; or
    /// windows leave gaps.</exception>
    public static MelSettings Of(SpectrogramSection section, int sampleRate)
    {
        int window = section.Window ?? (int)BitOperations.RoundUpToPowerOf2((uint)(UsualSeconds * sampleRate));
        int hop = section.Hop ?? Math.Max(1, window / HopsPerWindow);
        double half = sampleRate / 2.0, highest = section.MaxFrequency ?? half;
        if (highest > half || section.MinFrequency >= highest)
            throw new AtelierException(FormattableString.Invariant(
                $"the bands should reach from {section.MinFrequency} to {highest} Hz"), "data.audio.spectrogram",
                FormattableString.Invariant($"the highest frequency is at most half the sample rate, {half} Hz"));
        if (hop > window / 2)
            throw new AtelierException($"a hop of {hop} samples is too long for a window of {window}",
                "data.audio.spectrogram.hop", "write at most half the window");
        return new(sampleRate, section.MelCount, window, hop, section.MinFrequency, highest, section.Scale);
    }
}
