namespace Atelier.Data.Audio;

/// <summary>Converts sounds to images of their mel spectrograms, and back. Safe for concurrent use.</summary>
/// <param name="format">How the images show sounds.</param>
public sealed class SpectrogramImages(SpectrogramFormat format)
{
    private readonly MelSpectrogram _mel = new(format.Mel);

    /// <summary>How the images show sounds.</summary>
    public SpectrogramFormat Format => format;

    private double Step => (format.HighestDecibels - format.LowestDecibels) / byte.MaxValue;

    /// <summary>Draws the spectrogram of a sound.</summary>
    /// <param name="samples">As many samples as the format says.</param>
    /// <returns>Grey values, [bands, width], from the highest band down.</returns>
    public byte[] ToImage(ReadOnlySpan<float> samples)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(samples.Length, format.Samples, nameof(samples));
        float[][] decibels = MelSpectrogram.ToDecibels(_mel.Power(samples));
        int bands = format.Mel.MelCount;
        var image = new byte[bands * format.Width];
        for (int t = 0; t < Math.Min(decibels.Length, format.Frames); t++)
        {
            for (int band = 0; band < bands; band++)
            {
                double grey = (decibels[t][band] - format.LowestDecibels) / Step;
                image[((bands - 1 - band) * format.Width) + t] = (byte)Math.Clamp(Math.Round(grey), 0, byte.MaxValue);
            }
        }
        return image;
    }

    /// <summary>
    /// Computes a sound from its spectrogram, with phases by <see cref="GriffinLim"/>. Black is silence.
    /// </summary>
    /// <param name="image">Grey values, [bands, width], from the highest band down.</param>
    /// <param name="seed">The seed of the first phases.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    public float[] ToSamples(ReadOnlySpan<byte> image, long seed, CancellationToken cancellation = default)
    {
        int bands = format.Mel.MelCount;
        ArgumentOutOfRangeException.ThrowIfNotEqual(image.Length, bands * format.Width, nameof(image));
        var power = new float[format.Frames][];
        for (int t = 0; t < power.Length; t++)
        {
            power[t] = new float[bands];
            for (int band = 0; band < bands; band++)
            {
                int grey = image[((bands - 1 - band) * format.Width) + t];
                power[t][band] = grey == 0 ? 0
                    : (float)Math.Pow(10, (format.LowestDecibels + (grey * Step)) / 10);
            }
        }
        return _mel.ToSamples(power, format.Samples, seed, cancellation);
    }
}
