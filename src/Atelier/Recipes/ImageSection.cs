using System.ComponentModel.DataAnnotations;

namespace Atelier.Recipes;

/// <summary>How pictures are read.</summary>
public sealed record ImageSection
{
    /// <summary>Pixels across; null takes the source's where all pictures are alike, and 32 otherwise.</summary>
    [Range(4, 1024)]
    public int? Width { get; init; }

    /// <summary>Pixels down; null takes the source's where all pictures are alike, and 32 otherwise.</summary>
    [Range(4, 1024)]
    public int? Height { get; init; }

    /// <summary>1 for grey, 3 for colour; null takes grey where every picture is.</summary>
    [Range(1, 3)]
    public int? Channels { get; init; }

    /// <summary>The filter that pictures are resized with, widened where they shrink so that nothing is left out.</summary>
    public ResizeFilter Filter { get; init; } = ResizeFilter.Triangle;
}

/// <summary>Filters of resizing, each of unit area and widened by the factor that a picture shrinks by.</summary>
public enum ResizeFilter
{
    /// <summary>The mean of the pixels under a new one.</summary>
    Box,

    /// <summary>A triangle one pixel to each side: linear interpolation where pictures grow.</summary>
    Triangle,

    /// <summary>Lanczos's windowed sinc of three lobes (Turkowski 1990).</summary>
    Lanczos,
}
