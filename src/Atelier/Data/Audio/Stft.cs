using System.Numerics;

namespace Atelier.Data.Audio;

/// <summary>
/// The short-time Fourier transform, as librosa and torch.stft define it: frame t is the spectrum of the samples around
/// t · hop, times a periodic Hann window; beyond its ends the signal is silent (pad_mode "constant"). There are 1 +
/// samples / hop frames. Safe for concurrent use.
/// </summary>
public sealed class Stft
{
    private readonly FourierTransform _transform;
    private readonly double[] _window; // [size], centred

    /// <summary>Creates a transform.</summary>
    /// <param name="window">The length of the window in samples. The length of the transform is the power of two that
    /// is not below it; the window is in its middle.</param>
    /// <param name="hop">The samples between two frames.</param>
    public Stft(int window, int hop)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(window, 4);
        ArgumentOutOfRangeException.ThrowIfLessThan(hop, 1);
        int size = (int)BitOperations.RoundUpToPowerOf2((uint)window);
        (Window, Hop, _transform) = (window, hop, new FourierTransform(size));
        _window = new double[size];
        int left = (size - window) / 2;
        for (int i = 0; i < window; i++)
            _window[left + i] = 0.5 - (0.5 * Math.Cos(Math.Tau * i / window));
    }

    /// <summary>The length of the window in samples.</summary>
    public int Window { get; }

    /// <summary>The samples between two frames.</summary>
    public int Hop { get; }

    /// <summary>The length of the Fourier transform.</summary>
    public int Size => _transform.Size;

    /// <summary>The number of frequencies from 0 to half the sample rate: size / 2 + 1.</summary>
    public int Bins => _transform.Bins;

    /// <summary>Returns the number of frames of a signal.</summary>
    public int FrameCount(int samples) => 1 + (samples / Hop);

    /// <summary>Computes the complex spectrum of each frame.</summary>
    /// <param name="samples">[time].</param>
    /// <returns>[frame][bin].</returns>
    public Complex[][] Forward(ReadOnlySpan<float> samples)
    {
        var frames = new Complex[FrameCount(samples.Length)][];
        var signal = new double[Size];
        for (int frame = 0; frame < frames.Length; frame++)
        {
            int start = (frame * Hop) - (Size / 2);
            for (int i = 0; i < Size; i++)
                signal[i] = (uint)(start + i) < (uint)samples.Length ? samples[start + i] * _window[i] : 0;
            _transform.Forward(signal, frames[frame] = new Complex[Bins]);
        }
        return frames;
    }

    /// <summary>
    /// Computes the signal whose transform is nearest to the given one in the sense of least squares (Griffin and Lim
    /// 1984, eq. 6): windowed frames are added and divided by the sum of the squared windows.
    /// </summary>
    /// <param name="frames">[frame][bin].</param>
    /// <param name="length">The number of samples.</param>
    public float[] Inverse(IReadOnlyList<Complex[]> frames, int length)
    {
        var sum = new double[length];
        var weight = new double[length];
        var signal = new double[Size];
        var spectrum = new Complex[Bins];
        for (int frame = 0; frame < frames.Count; frame++)
        {
            frames[frame].CopyTo(spectrum, 0);
            _transform.Inverse(spectrum, signal);
            int start = (frame * Hop) - (Size / 2);
            for (int i = Math.Max(0, -start); i < Size && start + i < length; i++)
            {
                sum[start + i] += signal[i] * _window[i];
                weight[start + i] += _window[i] * _window[i];
            }
        }
        return [.. sum.Zip(weight, (value, total) => total > 1e-8 ? (float)(value / total) : 0)];
    }
}
