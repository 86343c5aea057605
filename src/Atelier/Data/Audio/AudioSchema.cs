using System.Text.Json;
using Atelier.Formats;

namespace Atelier.Data.Audio;

/// <summary>The sample rate, channels, length and classes of prepared sounds.</summary>
/// <param name="SampleRate">Frames per second. A frame is one sample of each channel.</param>
/// <param name="Channels">1 for mono, 2 for stereo.</param>
/// <param name="ClipFrames">The number of frames of a training example.</param>
/// <param name="Classes">The names of the classes; empty if there are none.</param>
public sealed record AudioSchema(int SampleRate, int Channels, int ClipFrames, IReadOnlyList<string> Classes)
{
    /// <summary>The name of its file in the folder of prepared sounds.</summary>
    public const string FileName = "audio.json";

    private const int MostRate = 192_000, MostClipFrames = 600 * MostRate;

    private static readonly JsonSerializerOptions Json =
        new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, WriteIndented = true };

    /// <summary>The number of values of a clip: channels · frames.</summary>
    public int Size => Channels * ClipFrames;

    /// <summary>The length of a clip in seconds.</summary>
    public double ClipSeconds => (double)ClipFrames / SampleRate;

    /// <summary>Returns the label of a class.</summary>
    /// <exception cref="AtelierException">There is no such class.</exception>
    public int Label(string name) => ClassNames.Label(Classes, name);

    /// <summary>Writes the file.</summary>
    internal void Write(string folder) =>
        AtomicFile.WriteText(Path.Combine(folder, FileName), JsonSerializer.Serialize(this, Json) + "\n");

    /// <summary>Reads the file of a folder.</summary>
    /// <exception cref="AtelierException">It is missing or damaged.</exception>
    internal static AudioSchema Read(string folder)
    {
        string path = Path.Combine(folder, FileName);
        try
        {
            AudioSchema? schema = JsonSerializer.Deserialize<AudioSchema>(File.ReadAllText(path), Json);
            if (schema is { SampleRate: > 0 and <= MostRate, Channels: 1 or 2, ClipFrames: > 0 and <= MostClipFrames,
                Classes: not null })
                return schema;
            throw new JsonException("its values are impossible");
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new AtelierException("cannot be read: " + e.Message.TrimEnd('.'), path, "prepare the data again", e);
        }
    }
}
