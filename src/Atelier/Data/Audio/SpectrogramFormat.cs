namespace Atelier.Data.Audio;

/// <summary>
/// How an image shows a sound: its mel spectrogram in decibels, with time from left to right, high bands at the top and
/// loud ones bright.
/// </summary>
/// <param name="Mel">The settings of the spectrogram.</param>
/// <param name="Samples">The number of samples of the sound.</param>
/// <param name="LowestDecibels">The level that is black, as are lower ones.</param>
/// <param name="HighestDecibels">The level that is white, as are higher ones.</param>
public sealed record SpectrogramFormat(MelSettings Mel, int Samples, double LowestDecibels, double HighestDecibels)
{
    private const int Multiple = 8; // of the width, so that networks can halve it three times

    /// <summary>The number of frames of the spectrogram; the columns after them are silent.</summary>
    public int Frames => 1 + (Samples / Mel.Hop);

    /// <summary>The width of the image.</summary>
    public int Width => (Frames + Multiple - 1) / Multiple * Multiple;
}
