using System.Globalization;

namespace Atelier.Abstractions;

/// <summary>
/// The ends of an interpolation: seeds or images. Generated images lie between each end and the next.
/// </summary>
public sealed record InterpolationEnds
{
    /// <summary>Interpolates between the images of seeds.</summary>
    /// <param name="seeds">Two or more seeds.</param>
    public InterpolationEnds(IReadOnlyList<long> seeds) => Seeds = seeds;

    /// <summary>Interpolates between images.</summary>
    /// <param name="images">Two or more images.</param>
    public InterpolationEnds(IReadOnlyList<InputImage> images) => Images = images;

    /// <summary>The seeds; empty if the ends are images.</summary>
    public IReadOnlyList<long> Seeds { get; } = [];

    /// <summary>The images; empty if the ends are seeds.</summary>
    public IReadOnlyList<InputImage> Images { get; } = [];

    /// <summary>Whether the ends are seeds.</summary>
    public bool AreSeeds => Images.Count == 0;

    /// <summary>Number of pairs of neighbouring ends; at least 1, even if there are fewer than two ends.</summary>
    public int PathCount => Math.Max(1, Math.Max(Seeds.Count, Images.Count) - 1);

    /// <summary>
    /// Parses comma-separated seeds such as "1,5,9"; returns null if the text does not hold two or more seeds.
    /// </summary>
    public static InterpolationEnds? ParseSeeds(string text)
    {
        string[] parts = text.Split(',', StringSplitOptions.TrimEntries);
        var seeds = new long[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            if (!long.TryParse(parts[i], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out seeds[i]))
                return null;
        }
        return parts.Length > 1 ? new(seeds) : null;
    }
}
