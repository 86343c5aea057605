using System.ComponentModel.DataAnnotations;

namespace Atelier.Recipes;

/// <summary>Random augmentation of the training sounds. The default is none.</summary>
public sealed record AudioAugmentSection
{
    /// <summary>
    /// The largest level of added white noise in dB, relative to the level of the clip, such as −20. The level of each
    /// clip is drawn uniformly from the 20 dB below it. Null adds none.
    /// </summary>
    [Range(-120.0, 0.0)]
    public double? Noise { get; init; }

    /// <summary>The largest random change of the level in dB, up or down.</summary>
    [Range(0.0, 60.0)]
    public double Gain { get; init; }

    /// <summary>
    /// The largest random shift in seconds, in each direction. Sound before and after the clip moves into it, and
    /// silence where the recording ends.
    /// </summary>
    [Range(0.0, 60.0)]
    public double Shift { get; init; }

    /// <summary>
    /// The largest random change of speed, as a share: 0.15 plays a clip up to 15 % faster or slower, which changes its
    /// pitch too.
    /// </summary>
    [Range(0.0, 0.5)]
    public double Speed { get; init; }

    /// <summary>
    /// The largest random change in dB of the level of low frequencies against that of high ones, as by another
    /// microphone.
    /// </summary>
    [Range(0.0, 40.0)]
    public double Tilt { get; init; }

    /// <summary>
    /// The number of bands of frequencies, and of stretches of time, that are masked in a spectrogram (SpecAugment,
    /// Park et al. 2019); 0 disables it.
    /// </summary>
    [Range(0, 16)]
    public int MaskCount { get; init; }

    /// <summary>The largest width of a mask, as a share of the spectrogram's height or length.</summary>
    [Range(0.0, 1.0)]
    public double MaskShare { get; init; } = 0.1;
}
