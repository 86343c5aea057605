using System.Text.Encodings.Web;
using System.Text.Json;
using Atelier.Formats;

namespace Atelier.Data.Text;

/// <summary>The origin of text data and its preparation.</summary>
public sealed record TextDataFacts
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        WriteIndented = true,
    };

    /// <summary>The source as the recipe names it.</summary>
    public required string Source { get; init; }

    /// <summary>The encodings found, by file.</summary>
    public IReadOnlyDictionary<string, string> Encodings { get; init; } = new Dictionary<string, string>();

    /// <summary>The result of each cleaning step.</summary>
    public IReadOnlyList<CleaningResult> Cleaning { get; init; } = [];

    /// <summary>Choices made during preparation, one sentence each, to show before training.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>
    /// The token that a text begins after where there is no prompt: the end of text, or a line end for a single long
    /// document.
    /// </summary>
    public required int StartId { get; init; }

    /// <summary>
    /// Of a world: the exact entropy in nats per character, the best cross-entropy that any model can reach on average.
    /// </summary>
    public double? ExactEntropy { get; init; }

    /// <summary>Writes facts.json.</summary>
    internal void Write(string path) => AtomicFile.WriteText(path, JsonSerializer.Serialize(this, Json) + "\n");

    /// <summary>Reads facts.json.</summary>
    internal static TextDataFacts Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize<TextDataFacts>(File.ReadAllText(path), Json)
                ?? throw new JsonException("it is null");
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new AtelierException("the prepared data cannot be read: " + e.Message.TrimEnd('.'), path,
                "prepare the data again", e);
        }
    }
}

/// <summary>The result of a cleaning step.</summary>
/// <param name="Step">The step's name.</param>
/// <param name="DocumentsRemoved">Documents dropped.</param>
/// <param name="CharactersRemoved">Characters gone, those of dropped documents included; below zero where a step wrote
/// text out longer.</param>
public sealed record CleaningResult(string Step, long DocumentsRemoved, long CharactersRemoved);
