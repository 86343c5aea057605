namespace Atelier.Abstractions;

/// <summary>
/// Sampling options of image models that sample in steps. A null property takes its value from the model's
/// configuration.
/// </summary>
public sealed record SamplingOptions
{
    /// <summary>The name of the sampler: ancestral, ddim, heun, dpm or euler.</summary>
    public string? Sampler { get; init; }

    /// <summary>Number of sampling steps from noise to image; at least 1.</summary>
    public int? Steps { get; init; }

    /// <summary>
    /// The scale of classifier-free guidance: 0 ignores the class, 1 samples the model's own conditional distribution,
    /// and larger values follow the class more strongly (Ho and Salimans 2022).
    /// </summary>
    public double? Guidance { get; init; }

    /// <summary>The image to begin from; null begins from noise.</summary>
    public InputImage? From { get; init; }

    /// <summary>
    /// The amount of noise added to the initial image, above 0 and up to 1: the more noise, the less of the image
    /// remains (Meng et al. 2022). Null takes 0.6, or 1 with a mask.
    /// </summary>
    public double? Strength { get; init; }

    /// <summary>
    /// The inpainting mask: white where the initial image in <see cref="From"/> is generated anew, black where it is
    /// kept. Null generates the whole image.
    /// </summary>
    public InputImage? Mask { get; init; }

    /// <summary>
    /// What to interpolate between: seeds, whose initial noises are interpolated on the great circle, or images. The
    /// images of a request are divided evenly among the pairs of neighbouring ends. Null does not interpolate.
    /// </summary>
    public InterpolationEnds? Interpolate { get; init; }
}
