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

    /// <summary>
    /// The filter that pictures are resized with, widened where they shrink so that nothing is left out.
    /// </summary>
    public ResizeFilter Filter { get; init; } = ResizeFilter.Triangle;

    /// <summary>
    /// A table (.csv, .tsv, .parquet) that tells each picture's class: a column file and a column label, or caption;
    /// from the source's folder. Null takes labels.csv where there is one, and subfolders otherwise.
    /// </summary>
    public string? Labels { get; init; }

    /// <summary>How pictures are varied at random while a model learns from them.</summary>
    public AugmentSection Augment { get; init; } = new();
}

/// <summary>How pictures are varied at random while a model learns from them; nothing by default.</summary>
public sealed record AugmentSection
{
    /// <summary>Whether half of them are mirrored, left to right.</summary>
    public bool Flip { get; init; }

    /// <summary>The most pixels that they are moved by, either way; edges are repeated.</summary>
    [Range(0, 256)]
    public int Shift { get; init; }

    /// <summary>How much contrast and each channel's brightness may differ, as a share of the whole range.</summary>
    [Range(0.0, 1.0)]
    public double Colour { get; init; }

    /// <summary>The side of a square that is greyed out, in pixels.</summary>
    [Range(0, 1024)]
    public int Cutout { get; init; }
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
