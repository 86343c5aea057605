using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Atelier.Formats;

namespace Atelier.Data;

/// <summary>
/// The origin of prepared data, stored in facts.json. This file is written last: if it exists, the others are complete.
/// </summary>
public sealed record PreparedFacts
{
    /// <summary>The name of the file.</summary>
    public const string FileName = "facts.json";

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        WriteIndented = true,
    };

    /// <summary>The source as the recipe names it.</summary>
    public required string Source { get; init; }

    /// <summary>Choices made automatically during preparation, one sentence each, to show before training.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>For sounds: the number of frames between the beginnings of two clips; null for other data.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? ClipStride { get; init; }

    /// <summary>Writes facts.json into a folder.</summary>
    internal void Write(string folder) =>
        AtomicFile.WriteText(Path.Combine(folder, FileName), JsonSerializer.Serialize(this, Json) + "\n");

    /// <summary>Reads the facts.json of a folder.</summary>
    /// <exception cref="AtelierException">The file is missing or damaged.</exception>
    internal static PreparedFacts Read(string folder)
    {
        string path = Path.Combine(folder, FileName);
        try
        {
            return JsonSerializer.Deserialize<PreparedFacts>(File.ReadAllText(path), Json)
                ?? throw new JsonException("it is null");
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new AtelierException("the prepared data cannot be read: " + e.Message.TrimEnd('.'), path,
                "prepare the data again", e);
        }
    }
}
