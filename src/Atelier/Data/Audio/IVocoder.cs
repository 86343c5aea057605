namespace Atelier.Data.Audio;

/// <summary>Computes sounds from images of their mel spectrograms. Safe for concurrent use.</summary>
public interface IVocoder
{
    /// <summary>How the spectrograms of its training show sounds.</summary>
    SpectrogramFormat Format { get; }

    /// <summary>Computes a sound.</summary>
    /// <param name="image">Grey values, [bands, width], from the highest band down.</param>
    /// <param name="format">How the image shows the sound, with the same mel settings as those of the
    /// training; its levels and its length may be others.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <returns>As many samples as the format says.</returns>
    float[] ToSamples(ReadOnlySpan<byte> image, SpectrogramFormat format, CancellationToken cancellation = default);
}
