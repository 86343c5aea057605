namespace Atelier.Decoding;

/// <summary>How pictures are drawn by models that go there in steps; what is null is taken from the model's configuration.</summary>
public sealed record DrawingOptions
{
    /// <summary>The sampler by name: ancestral, ddim, heun, dpm or euler.</summary>
    public string? Sampler { get; init; }

    /// <summary>Steps from noise to picture; at least 1.</summary>
    public int? Steps { get; init; }

    /// <summary>The weight of the class: 0 ignores it, 1 takes it as learned, more presses it (Ho and Salimans 2022).</summary>
    public double? Guidance { get; init; }
}
