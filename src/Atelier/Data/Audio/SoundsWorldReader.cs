using System.Numerics;

namespace Atelier.Data.Audio;

/// <summary>
/// Measures the attributes of sounds of <see cref="SoundsWorld"/> from their samples, without any learning: strokes by
/// the envelope, tones and chirps by the strongest frequency of short frames, vowels by their harmonics.
/// </summary>
public static class SoundsWorldReader
{
    private const double Silent = 0.005; // the largest level of silence
    private const double GapLevel = 0.15, GapShare = 0.3; // of the envelope between strokes
    private const double StrokeOn = 0.4, StrokeOff = 0.2; // of the largest level
    private const double EnvelopeSeconds = 0.005, FrameSeconds = 0.03, HarmonicSeconds = 0.06;
    private const int PeakBins = 3; // on each side of the strongest bin
    private const double SineShare = 0.85; // of the power in these bins
    private const double LeastSpan = 0.3; // octaves of a chirp
    private const double FarthestTone = 0.35, FarthestTempo = 0.25; // octaves from a class

    /// <summary>Returns what a sound is.</summary>
    /// <param name="samples">The samples of one channel.</param>
    /// <param name="sampleRate">Frames per second; at least 8000.</param>
    /// <returns>Its attributes; null if it is no sound of the world, such as silence and noise.</returns>
    public static SoundAttributes? Read(ReadOnlySpan<float> samples, int sampleRate)
    {
        double[] envelope = Envelope(samples, sampleRate);
        double loudest = envelope.Length == 0 ? 0 : envelope.Max();
        if (loudest < Silent)
            return null;
        if (envelope.Count(level => level < GapLevel * loudest) > GapShare * envelope.Length)
            return Rhythm(envelope, loudest);
        IReadOnlyList<(double Time, double Octave)> track = Track(samples, sampleRate, out double share);
        return share > SineShare ? Sine(track) : Vowel(samples, sampleRate);
    }

    /// <summary>The label of a sound, or −1 if it is no sound of the world.</summary>
    /// <inheritdoc cref="Read"/>
    public static int Classify(ReadOnlySpan<float> samples, int sampleRate) =>
        Read(samples, sampleRate)?.Label ?? -1;

    /// <summary>Returns the root mean square of each 5 ms.</summary>
    private static double[] Envelope(ReadOnlySpan<float> samples, int sampleRate)
    {
        int length = (int)(EnvelopeSeconds * sampleRate);
        var levels = new double[samples.Length / length];
        for (int i = 0; i < levels.Length * length; i++)
            levels[i / length] += (double)samples[i] * samples[i] / length;
        return Array.ConvertAll(levels, Math.Sqrt);
    }

    private static SoundAttributes? Rhythm(double[] envelope, double loudest)
    {
        var strokes = new List<int>();
        bool isOn = false;
        for (int i = 0; i < envelope.Length; i++)
        {
            if (!isOn && envelope[i] > StrokeOn * loudest)
                strokes.Add(i);
            isOn = envelope[i] > (isOn ? StrokeOff : StrokeOn) * loudest;
        }
        if (strokes.Count < 2)
            return null;
        double tempo = (strokes.Count - 1) / (EnvelopeSeconds * (strokes[^1] - strokes[0]));
        double[] distances = [.. SoundsWorld.Tempos.Select(one => Math.Abs(Math.Log2(tempo / one)))];
        return distances.Min() > FarthestTempo ? null
            : new(Label(SoundKind.Rhythm, Array.IndexOf(distances, distances.Min())), 0, 0, tempo);
    }

    private static int Label(SoundKind kind, int variant) => ((int)kind * SoundsWorld.Variants) + variant;

    /// <summary>Returns the strongest frequency of each frame, and the share of the power that is near it.</summary>
    private static List<(double Time, double Octave)> Track(ReadOnlySpan<float> samples, int sampleRate,
        out double share)
    {
        (Complex[][] frames, Stft stft) = Frames(samples, sampleRate, FrameSeconds, hops: 4);
        double[][] powers = [.. frames.Select(Power)];
        double[] totals = [.. powers.Select(power => power.Sum())];
        double least = 0.05 * totals.Max(), near = 0, all = 0;
        var track = new List<(double Time, double Octave)>();
        for (int t = 0; t < powers.Length; t++)
        {
            if (totals[t] < least)
                continue;
            double[] power = powers[t];
            int peak = Array.IndexOf(power, power.Max());
            for (int bin = Math.Max(0, peak - PeakBins); bin <= peak + PeakBins && bin < power.Length; bin++)
                near += power[bin];
            all += totals[t];
            if (peak > 0 && peak < power.Length - 1)
                track.Add((((double)t * stft.Hop / samples.Length) - 0.5,
                    Math.Log2((peak + Offset(power, peak)) * sampleRate / stft.Size)));
        }
        share = near / all;
        return track;
    }

    /// <summary>Returns where a parabola through the logarithms around a peak has its maximum, −0.5 to 0.5.</summary>
    private static double Offset(double[] power, int peak)
    {
        double low = Math.Log(power[peak - 1] + 1e-30), top = Math.Log(power[peak] + 1e-30),
            high = Math.Log(power[peak + 1] + 1e-30), bend = low - (2 * top) + high;
        return bend == 0 ? 0 : 0.5 * (low - high) / bend;
    }

    private static SoundAttributes? Sine(IReadOnlyList<(double Time, double Octave)> track)
    {
        if (track.Count < 3)
            return null;
        double straight = Slope(track, time => time), turning = Slope(track, time => 0.5 - (2 * Math.Abs(time)));
        double middle = Math.Pow(2, track.Average(point => point.Octave));
        if (Math.Abs(straight) > LeastSpan && Math.Abs(straight) > Math.Abs(turning))
            return new(Label(SoundKind.Chirp, straight > 0 ? 0 : 1), middle, straight, 0);
        if (Math.Abs(turning) > LeastSpan)
            return new(Label(SoundKind.Chirp, turning > 0 ? 2 : 3), middle, turning, 0);
        double[] distances = [.. SoundsWorld.ToneBands.Select(band =>
            Math.Max(0, Math.Max(Math.Log2(band.Low / middle), Math.Log2(middle / band.High))))];
        return distances.Min() > FarthestTone ? null
            : new(Label(SoundKind.Tone, Array.IndexOf(distances, distances.Min())), middle, 0, 0);
    }

    /// <summary>Returns the slope of octaves over a function of time, by least squares.</summary>
    private static double Slope(IReadOnlyList<(double Time, double Octave)> track, Func<double, double> of)
    {
        double meanX = track.Average(point => of(point.Time)), meanY = track.Average(point => point.Octave);
        double covariance = track.Sum(point => (of(point.Time) - meanX) * (point.Octave - meanY)),
            variance = track.Sum(point => (of(point.Time) - meanX) * (of(point.Time) - meanX));
        return variance > 0 ? covariance / variance : 0;
    }

    private static SoundAttributes? Vowel(ReadOnlySpan<float> samples, int sampleRate)
    {
        if (VoicePitch.Measure(samples, sampleRate) is not { } pitch)
            return null;
        (Complex[][] frames, Stft stft) = Frames(samples, sampleRate, HarmonicSeconds, hops: 4);
        var mean = new double[stft.Bins];
        foreach (double[] power in frames.Select(Power))
        {
            for (int bin = 0; bin < mean.Length; bin++)
                mean[bin] += power[bin];
        }
        int variant = VowelTemplates.Nearest(mean, pitch, (double)sampleRate / stft.Size);
        return variant < 0 ? null : new(Label(SoundKind.Vowel, variant), pitch, 0, 0);
    }

    private static (Complex[][] Frames, Stft Stft) Frames(ReadOnlySpan<float> samples, int sampleRate, double seconds,
        int hops)
    {
        int window = (int)BitOperations.RoundUpToPowerOf2((uint)(seconds * sampleRate));
        var stft = new Stft(window, window / hops);
        return (stft.Forward(samples), stft);
    }

    private static double[] Power(Complex[] frame) =>
        Array.ConvertAll(frame, value => (value.Real * value.Real) + (value.Imaginary * value.Imaginary));
}
