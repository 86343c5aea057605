using System.Text.Json.Nodes;

namespace Atelier.Abstractions;

/// <summary>A generated video.</summary>
/// <param name="Width">The width in pixels.</param>
/// <param name="Height">The height in pixels.</param>
/// <param name="Channels">1 for greyscale, 3 for RGB.</param>
/// <param name="Fps">Frames per second.</param>
/// <param name="Frames">The frames, each [Height, Width, Channels] from the top row, 0 to 255.</param>
public sealed record VideoSample(int Width, int Height, int Channels, double Fps,
    IReadOnlyList<ReadOnlyMemory<byte>> Frames) : Sample
{
    /// <summary>The class it was generated for; null for none.</summary>
    public string? Class { get; init; }

    /// <summary>The path of the file it was saved to; null if it was not saved.</summary>
    public string? File { get; init; }

    /// <inheritdoc/>
    public override string Shown => File
        ?? $"a video of {Frames.Count} frames of {Width} × {Height}{(Class is null ? "" : $", class {Class}")}";

    /// <inheritdoc/>
    protected override void Write(JsonObject json)
    {
        json["file"] = File;
        json["class"] = Class;
        json["frames"] = Frames.Count;
    }
}
