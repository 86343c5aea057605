using System.ComponentModel.DataAnnotations;

namespace Atelier.Recipes;

/// <summary>Options for reading videos.</summary>
public sealed record VideoSection
{
    /// <summary>The width in pixels.</summary>
    [Range(4, 512)]
    public int Width { get; init; } = 32;

    /// <summary>The height in pixels.</summary>
    [Range(4, 512)]
    public int Height { get; init; } = 32;

    /// <summary>The number of colour channels: 1 for greyscale, 3 for RGB. Null takes that of a world, and otherwise
    /// 3.</summary>
    [Range(1, 3)]
    public int? Channels { get; init; }

    /// <summary>
    /// How frames of another shape fit the width and height, after their pixels are made square: crop cuts off the
    /// edges, pad adds black edges, and stretch changes the shape.
    /// </summary>
    public VideoFit Fit { get; init; } = VideoFit.Crop;

    /// <summary>
    /// Frames per second to which all videos are converted, by leaving out or repeating frames. Null takes the rate of
    /// most files.
    /// </summary>
    [Range(0.01, 240.0)]
    public double? Fps { get; init; }

    /// <summary>The number of frames of a training example. Shorter videos repeat their last frame.</summary>
    [Range(2, 256)]
    public int Frames { get; init; } = 16;

    /// <summary>
    /// The number of frames between the beginnings of two clips of the same video. Null takes the frames of a clip, so
    /// that clips do not overlap.
    /// </summary>
    [Range(1, 100_000)]
    public int? Stride { get; init; }

    /// <summary>The number of the video stream to read in files that have several, from 0.</summary>
    [Range(0, 100)]
    public int Stream { get; init; }

    /// <summary>
    /// How the class of each video is found: "folder" for the name of its first subfolder, "none" for no classes, or a
    /// table (.csv, .tsv, .jsonl, .parquet) with a column "file" and a column "label". Null takes labels.csv if it
    /// exists, and otherwise the subfolders.
    /// </summary>
    [NamesPath(RecipePath.WithinData)]
    public string? Labels { get; init; }
}

/// <summary>How frames of another shape fit a width and height.</summary>
public enum VideoFit
{
    /// <summary>Fills the whole size and cuts off what is left over at two edges.</summary>
    Crop,

    /// <summary>Shows the whole frame between black edges.</summary>
    Pad,

    /// <summary>Changes the ratio of the sides.</summary>
    Stretch,
}
