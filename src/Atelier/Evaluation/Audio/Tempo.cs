using System.Numerics;
using Atelier.Data.Audio;

namespace Atelier.Evaluation.Audio;

/// <summary>
/// The tempo of a sound: the lag at which the autocorrelation of its onset strength is highest, weighted by how usual
/// the tempo is (Ellis 2007, section 3.2). The onset strength is the spectral flux: by how much the levels of all
/// frequencies rise from frame to frame.
/// </summary>
internal static class Tempo
{
    private const double FrameSeconds = 0.01, WindowSeconds = 0.032, Slowest = 40, Fastest = 240; // beats per minute
    private const double Usual = 120, Octaves = 1.4; // Ellis 2007: the weight's centre and deviation
    private const double LeastSeconds = 2, Range = 60; // dB below the loudest level that count
    private const double LeastCorrelation = 0.1, LeastFlux = 1; // dB for each bin at the strongest onset

    /// <summary>Returns the tempo in beats per minute; null if the sound is shorter than two seconds, or has no
    /// beat.</summary>
    /// <param name="samples">The samples of one channel.</param>
    /// <param name="sampleRate">Samples per second.</param>
    public static double? Of(ReadOnlySpan<float> samples, int sampleRate)
    {
        if (samples.Length < LeastSeconds * sampleRate)
            return null;
        int hop = Math.Max(1, (int)Math.Round(FrameSeconds * sampleRate));
        double[] onsets = Onsets(samples, new Stft(Math.Max(4, (int)(WindowSeconds * sampleRate)), hop));
        if (onsets.Max() < LeastFlux)
            return null;
        double mean = onsets.Average(), rate = (double)sampleRate / hop; // frames per second
        double[] centred = [.. onsets.Select(onset => onset - mean)];
        int first = (int)(60 * rate / Fastest), last = Math.Min((int)(60 * rate / Slowest), onsets.Length / 2);
        double[] correlations = [.. Enumerable.Range(0, last + 2).Select(lag => Correlation(centred, lag))];
        int best = Enumerable.Range(first, last - first + 1).MaxBy(lag => correlations[lag] * Weight(60 * rate / lag));
        if (correlations[best] < LeastCorrelation * correlations[0])
            return null;
        double before = correlations[best - 1], after = correlations[best + 1];
        double bend = before - (2 * correlations[best]) + after;
        double shift = bend < 0 ? Math.Clamp((before - after) / (2 * bend), -0.5, 0.5) : 0;
        return 60 * rate / (best + shift);
    }

    /// <summary>The mean rise of the levels in dB from each frame to the next.</summary>
    private static double[] Onsets(ReadOnlySpan<float> samples, Stft stft)
    {
        Complex[][] frames = stft.Forward(samples);
        double highest = frames.Max(frame => frame.Max(value => value.Magnitude));
        double floor = Math.Max(1e-9, highest * Math.Pow(10, -Range / 20));
        double[][] levels = [.. frames.Select(frame => frame.Select(value =>
            20 * Math.Log10(Math.Max(floor, value.Magnitude))).ToArray())];
        return [.. levels.Skip(1).Zip(levels, (now, before) =>
            now.Zip(before, (a, b) => Math.Max(0, a - b)).Average())];
    }

    private static double Correlation(double[] values, int lag)
    {
        double sum = 0;
        for (int i = lag; i < values.Length; i++)
            sum += values[i] * values[i - lag];
        return sum;
    }

    private static double Weight(double tempo)
    {
        double octaves = Math.Log2(tempo / Usual) / Octaves;
        return Math.Exp(-0.5 * octaves * octaves);
    }
}
