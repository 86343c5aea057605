using System.Numerics;

namespace Atelier.Data.Audio;

/// <summary>
/// The discrete Fourier transform of real signals whose length is a power of two (Cooley and Tukey 1965), in double
/// precision. Safe for concurrent use.
/// </summary>
internal sealed class FourierTransform
{
    private readonly Complex[] _roots; // e^(−2πik/size), k < size / 2
    private readonly int[] _reversed; // the order of the bits of half the size

    /// <summary>Creates a transform.</summary>
    /// <param name="size">The length of a signal: a power of two, at least 4.</param>
    public FourierTransform(int size)
    {
        if (size < 4 || !BitOperations.IsPow2(size))
            throw new ArgumentOutOfRangeException(nameof(size), size, "not a power of two of at least 4");
        Size = size;
        _roots = new Complex[size / 2];
        for (int k = 0; k < size / 2; k++)
            _roots[k] = Complex.FromPolarCoordinates(1, -Math.Tau * k / size);
        _reversed = new int[size / 2];
        for (int i = 1; i < size / 2; i++)
            _reversed[i] = (_reversed[i >> 1] >> 1) | ((i & 1) * (size / 4));
    }

    /// <summary>The length of a signal.</summary>
    public int Size { get; }

    /// <summary>The number of frequencies from 0 to half the sample rate: size / 2 + 1.</summary>
    public int Bins => (Size / 2) + 1;

    /// <summary>Computes the spectrum X[k] = Σ x[n] e^(−2πikn/size) of a real signal.</summary>
    /// <param name="signal">[size].</param>
    /// <param name="spectrum">Receives [size / 2 + 1].</param>
    public void Forward(ReadOnlySpan<double> signal, Span<Complex> spectrum)
    {
        int half = Size / 2;
        // Even samples are the real parts, odd samples the imaginary parts of one complex signal of half the length.
        for (int i = 0; i < half; i++)
            spectrum[_reversed[i]] = new(signal[2 * i], signal[(2 * i) + 1]);
        Transform(spectrum[..half]);
        Complex first = spectrum[0];
        spectrum[0] = first.Real + first.Imaginary;
        spectrum[half] = first.Real - first.Imaginary;
        for (int k = 1; k <= half / 2; k++)
        {
            Complex low = spectrum[k], high = Complex.Conjugate(spectrum[half - k]);
            Complex even = (low + high) / 2, odd = (low - high) * new Complex(0, -0.5) * _roots[k];
            spectrum[k] = even + odd;
            spectrum[half - k] = Complex.Conjugate(even - odd);
        }
    }

    /// <summary>Computes the real signal of a spectrum: the inverse of <see cref="Forward"/>.</summary>
    /// <param name="spectrum">[size / 2 + 1]; it is overwritten.</param>
    /// <param name="signal">Receives [size].</param>
    public void Inverse(Span<Complex> spectrum, Span<double> signal)
    {
        int half = Size / 2;
        var packed = new Complex[half];
        for (int k = 0; k < half; k++)
        {
            Complex low = spectrum[k], high = Complex.Conjugate(spectrum[half - k]);
            Complex even = (low + high) / 2, odd = (low - high) / 2 * Complex.Conjugate(_roots[k]);
            // The forward transform of the conjugate is the conjugate of the inverse one.
            packed[_reversed[k]] = Complex.Conjugate(even + (Complex.ImaginaryOne * odd));
        }
        Transform(packed);
        for (int i = 0; i < half; i++)
            (signal[2 * i], signal[(2 * i) + 1]) = (packed[i].Real / half, -packed[i].Imaginary / half);
    }

    /// <summary>Transforms values of half the size that are in the order of reversed bits.</summary>
    private void Transform(Span<Complex> values)
    {
        for (int width = 1; width < values.Length; width *= 2)
        {
            int stride = values.Length / width; // in the roots of the whole size
            for (int start = 0; start < values.Length; start += 2 * width)
            {
                for (int k = 0; k < width; k++)
                {
                    Complex low = values[start + k], high = values[start + width + k] * _roots[k * stride];
                    values[start + k] = low + high;
                    values[start + width + k] = low - high;
                }
            }
        }
    }
}
