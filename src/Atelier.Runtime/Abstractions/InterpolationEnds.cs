using System.Globalization;

namespace Atelier.Abstractions;

/// <summary>The ends that generated images lie between, each and the next: seeds or images.</summary>
public sealed record InterpolationEnds
{
    /// <summary>Ends that are the images of seeds.</summary>
    /// <param name="seeds">Two or more.</param>
    public InterpolationEnds(IReadOnlyList<long> seeds) => Seeds = seeds;

    /// <summary>Ends that are given images.</summary>
    /// <param name="images">Two or more.</param>
    public InterpolationEnds(IReadOnlyList<InputImage> images) => Images = images;

    /// <summary>The seeds; empty where the ends are images.</summary>
    public IReadOnlyList<long> Seeds { get; } = [];

    /// <summary>The images; empty where the ends are seeds.</summary>
    public IReadOnlyList<InputImage> Images { get; } = [];

    /// <summary>Whether the ends are seeds.</summary>
    public bool AreSeeds => Images.Count == 0;

    /// <summary>The paths from an end to the next; at least 1, also where there are too few ends.</summary>
    public int PathCount => Math.Max(1, Math.Max(Seeds.Count, Images.Count) - 1);

    /// <summary>Reads seeds with commas between them, "1,5,9"; null where the text is not two or more seeds.</summary>
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
