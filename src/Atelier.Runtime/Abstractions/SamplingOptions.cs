namespace Atelier.Abstractions;

/// <summary>
/// How pictures are drawn by models that go there in steps; what is null is taken from the model's configuration.
/// </summary>
public sealed record SamplingOptions
{
    /// <summary>The sampler by name: ancestral, ddim, heun, dpm or euler.</summary>
    public string? Sampler { get; init; }

    /// <summary>Steps from noise to picture; at least 1.</summary>
    public int? Steps { get; init; }

    /// <summary>
    /// The weight of the class: 0 ignores it, 1 takes it as learned, more presses it (Ho and Salimans 2022).
    /// </summary>
    public double? Guidance { get; init; }

    /// <summary>An image to begin from; null begins from noise alone.</summary>
    public InputImage? From { get; init; }

    /// <summary>
    /// How far towards noise the picture is taken first, above 0, up to 1: the more, the less of it stays (Meng et al.
    /// 2022). Null takes 0.6, and 1 with a mask.
    /// </summary>
    public double? Strength { get; init; }

    /// <summary>
    /// An image that is white where <see cref="From"/> is drawn anew and black where it is kept; null draws all of it.
    /// </summary>
    public InputImage? Mask { get; init; }

    /// <summary>
    /// What the images lie between, each end and the next: seeds, whose first noises are interpolated on the great
    /// circle, or images. The images of a request are shared out evenly among the paths. Null draws each by itself.
    /// </summary>
    public InterpolationEnds? Interpolate { get; init; }
}
