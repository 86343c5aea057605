using System.ComponentModel.DataAnnotations;

namespace Atelier.Recipes;

/// <summary>Options for reading and resizing images.</summary>
public sealed record ImageSection
{
    /// <summary>
    /// The width in pixels. Null takes the width of the source if all images have the same size, and 32 otherwise.
    /// </summary>
    [Range(4, 1024)]
    public int? Width { get; init; }

    /// <summary>
    /// The height in pixels. Null takes the height of the source if all images have the same size, and 32 otherwise.
    /// </summary>
    [Range(4, 1024)]
    public int? Height { get; init; }

    /// <summary>
    /// The number of colour channels: 1 for greyscale, 3 for RGB. Null takes 1 if all images are grey, and 3 otherwise.
    /// </summary>
    [Range(1, 3)]
    public int? Channels { get; init; }

    /// <summary>
    /// The resampling filter. It is widened when images are reduced, so that every source pixel counts.
    /// </summary>
    public ResizeFilter Filter { get; init; } = ResizeFilter.Triangle;

    /// <summary>
    /// A table (.csv, .tsv, .jsonl, .parquet) with the class of each image: a column "file" and a column "label" or
    /// "caption". The path is relative to the folder of the source. Null takes labels.csv if
    /// it exists, and otherwise the names of subfolders.
    /// </summary>
    [NamesPath(RecipePath.WithinData)]
    public string? Labels { get; init; }

    /// <summary>Random augmentation of the training images.</summary>
    public AugmentSection Augment { get; init; } = new();
}

/// <summary>Random augmentation of the training images. The default is none.</summary>
public sealed record AugmentSection
{
    /// <summary>Mirrors each image left to right with probability 0.5.</summary>
    public bool Flip { get; init; }

    /// <summary>The largest random shift in pixels, in each direction. Edge pixels are repeated.</summary>
    [Range(0, 256)]
    public int Shift { get; init; }

    /// <summary>
    /// The largest random change of contrast and of each channel's brightness, as a fraction of the full range.
    /// </summary>
    [Range(0.0, 1.0)]
    public double Colour { get; init; }

    /// <summary>
    /// The side in pixels of a random square that is set to grey (DeVries and Taylor 2017); 0 disables it.
    /// </summary>
    [Range(0, 1024)]
    public int Cutout { get; init; }
}

/// <summary>
/// Resampling filters. Each has unit area, and is widened by the factor by which an image is reduced.
/// </summary>
public enum ResizeFilter
{
    /// <summary>The mean of the source pixels under a target pixel.</summary>
    Box,

    /// <summary>Linear interpolation: a triangle, one pixel wide on each side when images are enlarged.</summary>
    Triangle,

    /// <summary>The Lanczos filter: a windowed sinc with three lobes (Turkowski 1990).</summary>
    Lanczos,
}
