namespace Atelier.Data.Audio;

/// <summary>
/// The mel spectrogram, as librosa.feature.melspectrogram defines it: the power |STFT|² in bands of equal width on a mel
/// scale. Safe for concurrent use.
/// </summary>
public sealed class MelSpectrogram
{
    private const double Least = 1e-10; // of the power, for its logarithm
    private const int InversionSteps = 60;

    private readonly float[][] _filters; // [band][bin]

    /// <summary>Creates a transform.</summary>
    /// <param name="settings">The settings.</param>
    public MelSpectrogram(MelSettings settings)
    {
        (Settings, Stft) = (settings, new Stft(settings.Window, settings.Hop));
        _filters = MelFilters.Create(settings, Stft.Bins);
    }

    /// <summary>The settings.</summary>
    public MelSettings Settings { get; }

    /// <summary>The short-time Fourier transform.</summary>
    public Stft Stft { get; }

    /// <summary>Computes the power in each band.</summary>
    /// <param name="samples">[time].</param>
    /// <returns>[frame][band].</returns>
    public float[][] Power(ReadOnlySpan<float> samples)
    {
        var power = new double[Stft.Bins];
        return [.. Stft.Forward(samples).Select(frame =>
        {
            for (int bin = 0; bin < power.Length; bin++)
                power[bin] = (frame[bin].Real * frame[bin].Real) + (frame[bin].Imaginary * frame[bin].Imaginary);
            return Bands(power);
        })];
    }

    /// <summary>Converts power to decibels: 10 log10, at least −100.</summary>
    /// <param name="power">[frame][band].</param>
    public static float[][] ToDecibels(IEnumerable<float[]> power) =>
        [.. power.Select(frame => Array.ConvertAll(frame, value => (float)(10 * Math.Log10(Math.Max(Least, value)))))];

    /// <summary>Converts decibels to power.</summary>
    /// <param name="decibels">[frame][band].</param>
    public static float[][] ToPower(IEnumerable<float[]> decibels) =>
        [.. decibels.Select(frame => Array.ConvertAll(frame, value => (float)Math.Pow(10, value / 10)))];

    /// <summary>
    /// Estimates the magnitude of each bin from the power in the bands: the power that is not negative and nearest in
    /// the sense of least squares, by the multiplicative updates of Lee and Seung (2001).
    /// </summary>
    /// <param name="bands">[frame][band].</param>
    /// <returns>[frame][bin].</returns>
    public float[][] ToMagnitudes(IReadOnlyList<float[]> bands)
    {
        var magnitudes = new float[bands.Count][];
        Parallel.For(0, bands.Count, frame => magnitudes[frame] = ToMagnitudes(bands[frame]));
        return magnitudes;
    }

    /// <summary>Computes a sound from the power in the bands, with phases by <see cref="GriffinLim"/>.</summary>
    /// <param name="bands">[frame][band].</param>
    /// <param name="length">The number of samples.</param>
    /// <param name="seed">The seed of the first phases.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    public float[] ToSamples(IReadOnlyList<float[]> bands, int length, long seed,
        CancellationToken cancellation = default) =>
        new GriffinLim(Stft).Reconstruct(ToMagnitudes(bands), length, seed, cancellation);

    private float[] ToMagnitudes(float[] bands)
    {
        double[] power = Spread(Array.ConvertAll(bands, band => (double)Math.Max(0, band)));
        double[] target = [.. power];
        for (int step = 0; step < InversionSteps; step++)
        {
            double[] now = Spread(Array.ConvertAll(Bands(power), band => (double)band));
            for (int bin = 0; bin < power.Length; bin++)
                power[bin] *= now[bin] > 0 ? target[bin] / now[bin] : 0;
        }
        return Array.ConvertAll(power, value => (float)Math.Sqrt(value));
    }

    private float[] Bands(double[] power)
    {
        var bands = new float[_filters.Length];
        for (int band = 0; band < bands.Length; band++)
        {
            double sum = 0;
            for (int bin = 0; bin < power.Length; bin++)
                sum += _filters[band][bin] * power[bin];
            bands[band] = (float)sum;
        }
        return bands;
    }

    /// <summary>Multiplies by the transposed filters.</summary>
    private double[] Spread(double[] bands)
    {
        var power = new double[Stft.Bins];
        for (int band = 0; band < bands.Length; band++)
        {
            for (int bin = 0; bin < power.Length; bin++)
                power[bin] += _filters[band][bin] * bands[band];
        }
        return power;
    }
}
