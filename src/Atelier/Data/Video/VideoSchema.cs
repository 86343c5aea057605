using System.Text.Json;
using System.Text.Json.Serialization;
using Atelier.Data.Images;
using Atelier.Formats;

namespace Atelier.Data.Video;

/// <summary>The size, channels, length, frame rate and classes of prepared videos.</summary>
/// <param name="Width">Pixels across.</param>
/// <param name="Height">Pixels down.</param>
/// <param name="Channels">1 for grey, 3 for red, green and blue.</param>
/// <param name="Frames">The number of frames of a clip.</param>
/// <param name="Fps">Frames per second.</param>
/// <param name="Classes">The names of the classes; empty if there are none.</param>
public sealed record VideoSchema(int Width, int Height, int Channels, int Frames, double Fps,
    IReadOnlyList<string> Classes)
{
    /// <summary>The name of its file in the folder of prepared videos.</summary>
    public const string FileName = "video.json";

    private static readonly JsonSerializerOptions Json =
        new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, WriteIndented = true };

    /// <summary>The number of values of a frame: channels · height · width.</summary>
    public int FrameSize => Channels * Height * Width;

    /// <summary>The number of values of a clip.</summary>
    public int Size => Frames * FrameSize;

    /// <summary>The size, channels and classes of a frame.</summary>
    [JsonIgnore]
    public ImageSchema Image => new(Width, Height, Channels, Classes);

    /// <summary>Whether the values are possible.</summary>
    [JsonIgnore]
    internal bool IsPossible => this is
    {
        Width: > 0 and <= 1024, Height: > 0 and <= 1024, Channels: 1 or 3, Frames: > 1 and <= 1024,
        Fps: > 0 and <= 1000, Classes: not null,
    };

    /// <summary>Returns the label of a class.</summary>
    /// <exception cref="AtelierException">There is no such class.</exception>
    public int Label(string name) => ClassNames.Label(Classes, name);

    /// <summary>Writes the file.</summary>
    internal void Write(string folder) =>
        AtomicFile.WriteText(Path.Combine(folder, FileName), JsonSerializer.Serialize(this, Json) + "\n");

    /// <summary>Reads the file of a folder.</summary>
    /// <exception cref="AtelierException">It is missing or damaged.</exception>
    internal static VideoSchema Read(string folder)
    {
        string path = Path.Combine(folder, FileName);
        try
        {
            VideoSchema? schema = JsonSerializer.Deserialize<VideoSchema>(File.ReadAllText(path), Json);
            return schema is { IsPossible: true } ? schema : throw new JsonException("its values are impossible");
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new AtelierException("cannot be read: " + e.Message.TrimEnd('.'), path, "prepare the data again", e);
        }
    }
}
