using System.ComponentModel.DataAnnotations;
using Atelier.Abstractions;

namespace Atelier.Recipes;

/// <summary>
/// Sampling defaults, used where a request does not set them. The keys of text and of images stand in one section of
/// the recipe; a key that the recipe's family does not read is refused.
/// </summary>
public sealed record GenerationSection
{
    private const string Path = "generation.";

    /// <summary>The keys that choose the tokens of a text, with their section.</summary>
    internal static IReadOnlyList<string> DecodingKeys { get; } = KeysOf(typeof(DecodingOptions));

    /// <summary>The keys of models that draw images in steps, with their section.</summary>
    internal static IReadOnlyList<string> SamplingKeys { get; } = KeysOf(typeof(SamplingDefaults));

    /// <summary>How the tokens of a text are chosen.</summary>
    [Inline]
    public DecodingOptions Decoding { get; init; } = new();

    /// <summary>How images are drawn by models that sample in steps.</summary>
    [Inline]
    public SamplingDefaults Sampling { get; init; } = new();

    private static string[] KeysOf(Type type) =>
        [.. RecipeNames.Properties(type).Select(property => Path + RecipeNames.Key(property))];
}

/// <summary>How images are drawn by models that sample in steps, where a request does not say.</summary>
public sealed record SamplingDefaults
{
    /// <summary>For images: the sampler of a diffusion model: ancestral, ddim, euler, heun or dpm.</summary>
    public string Sampler { get; init; } = "heun";

    /// <summary>For images: the number of sampling steps from noise to image.</summary>
    [Range(1, 10_000)]
    public int Steps { get; init; } = 20;

    /// <summary>
    /// For images: the guidance scale of the class: 0 ignores the class, 1 follows the model, more strengthens it (Ho
    /// and Salimans 2022).
    /// </summary>
    [Range(0.0, 100.0)]
    public double Guidance { get; init; } = 1;
}
