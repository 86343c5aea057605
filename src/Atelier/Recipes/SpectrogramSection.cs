using System.ComponentModel.DataAnnotations;

namespace Atelier.Recipes;

/// <summary>Options for mel spectrograms.</summary>
public sealed record SpectrogramSection
{
    /// <summary>The number of mel bands.</summary>
    [Range(4, 512)]
    public int MelCount { get; init; } = 64;

    /// <summary>The length of the Hann window in samples. Null takes the power of two nearest above 25 ms.</summary>
    [Range(16, 65_536)]
    public int? Window { get; init; }

    /// <summary>
    /// The number of samples between the centres of two windows. Null takes a quarter of the window.
    /// </summary>
    [Range(1, 65_536)]
    public int? Hop { get; init; }

    /// <summary>The lowest frequency of the mel bands in Hz.</summary>
    [Range(0.0, 96_000.0)]
    public double MinFrequency { get; init; }

    /// <summary>The highest frequency of the mel bands in Hz. Null takes half the sample rate.</summary>
    [Range(1.0, 96_000.0)]
    public double? MaxFrequency { get; init; }

    /// <summary>The mel scale.</summary>
    public MelScale Scale { get; init; } = MelScale.Slaney;
}

/// <summary>Mel scales: how perceived pitch depends on frequency.</summary>
public enum MelScale
{
    /// <summary>Linear below 1 kHz, logarithmic above (Slaney 1998, Auditory Toolbox).</summary>
    Slaney,

    /// <summary>2595 log10(1 + f / 700) (O'Shaughnessy 1987; Young et al., The HTK Book).</summary>
    Htk,
}
