using System.Text.Json;
using Atelier.Formats;

namespace Atelier.Data.Images;

/// <summary>The size, channels and classes of prepared images.</summary>
/// <param name="Width">Pixels across.</param>
/// <param name="Height">Pixels down.</param>
/// <param name="Channels">1 for grey, 3 for red, green and blue.</param>
/// <param name="Classes">The names of the classes; a label is an index into them. Empty without classes.</param>
public sealed record ImageSchema(int Width, int Height, int Channels, IReadOnlyList<string> Classes)
{
    /// <summary>The name of its file in the folder of prepared images.</summary>
    public const string FileName = "images.json";

    private static readonly JsonSerializerOptions Json =
        new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, WriteIndented = true };

    /// <summary>"grey" or "colour".</summary>
    internal string ColourName => Channels == 1 ? "grey" : "colour";

    /// <summary>The number of values of an image: channels · height · width.</summary>
    public int Size => Channels * Height * Width;

    /// <summary>Converts an image from [channels, height, width] to [height, width, channels].</summary>
    /// <param name="planes">[channels, height, width].</param>
    public byte[] Interleave(ReadOnlySpan<byte> planes)
    {
        var pixels = new byte[Size];
        int plane = Width * Height;
        for (int i = 0; i < plane; i++)
        {
            for (int channel = 0; channel < Channels; channel++)
                pixels[(i * Channels) + channel] = planes[(channel * plane) + i];
        }
        return pixels;
    }

    /// <summary>Returns the label of a class.</summary>
    /// <exception cref="AtelierException">There is no such class.</exception>
    public int Label(string name) => ClassNames.Label(Classes, name);

    /// <summary>Writes the file.</summary>
    internal void Write(string folder) =>
        AtomicFile.WriteText(Path.Combine(folder, FileName), JsonSerializer.Serialize(this, Json) + "\n");

    /// <summary>Reads the file of a folder.</summary>
    /// <exception cref="AtelierException">It is missing or damaged.</exception>
    internal static ImageSchema Read(string folder)
    {
        string path = Path.Combine(folder, FileName);
        try
        {
            ImageSchema? schema = JsonSerializer.Deserialize<ImageSchema>(File.ReadAllText(path), Json);
            if (schema is { Width: > 0 and <= 4096, Height: > 0 and <= 4096, Channels: 1 or 3, Classes: not null })
                return schema;
            throw new JsonException("its size is impossible");
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new AtelierException("cannot be read: " + e.Message.TrimEnd('.'), path, "prepare the data again", e);
        }
    }
}
