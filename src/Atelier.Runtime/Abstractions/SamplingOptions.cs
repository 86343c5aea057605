namespace Atelier.Abstractions;

/// <summary>
/// How images are drawn by models that sample in steps. Null takes the value of the model's configuration.
/// </summary>
public sealed record SamplingOptions
{
    /// <summary>The name of the sampler: ancestral, ddim, heun, dpm or euler.</summary>
    public string? Sampler { get; init; }

    /// <summary>Number of sampling steps from noise to image; at least 1.</summary>
    public int? Steps { get; init; }

    /// <summary>
    /// The guidance scale of the class: 0 ignores the class, 1 follows the model, more strengthens it (Ho and Salimans
    /// 2022).
    /// </summary>
    public double? Guidance { get; init; }

    /// <summary>The file of an image to begin from; null begins from noise.</summary>
    public string? From { get; init; }

    /// <summary>
    /// How much noise is added to the initial image, above 0, up to 1: the more, the less of it remains (Meng et al.
    /// 2022). Null takes 0.6, and 1 with a mask.
    /// </summary>
    public double? Strength { get; init; }

    /// <summary>
    /// The file of a mask: white where the initial image in <see cref="From"/> is drawn again, black where it is kept;
    /// null draws all of it.
    /// </summary>
    public string? Mask { get; init; }

    /// <summary>
    /// What to interpolate between: seeds ("1,5,9"), whose initial noises are interpolated on the great circle, or a
    /// folder of images. The images of a request are divided evenly among the pairs of neighbouring ends. Null does not
    /// interpolate.
    /// </summary>
    public string? Interpolate { get; init; }
}
