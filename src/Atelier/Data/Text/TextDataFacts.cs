using System.Text.Encodings.Web;
using System.Text.Json;
using Atelier.Formats;

namespace Atelier.Data.Text;

/// <summary>The origin of prepared text data and how they were prepared, stored in facts.json.</summary>
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

    /// <summary>The detected encoding of each file.</summary>
    public IReadOnlyDictionary<string, string> Encodings { get; init; } = new Dictionary<string, string>();

    /// <summary>The result of each cleaning step.</summary>
    public IReadOnlyList<CleaningResult> Cleaning { get; init; } = [];

    /// <summary>Choices made automatically during preparation, one sentence each, to show before training.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>
    /// The start token of generation without a prompt: the end-of-text token, or a line end if the data are a single
    /// document.
    /// </summary>
    public required int StartId { get; init; }

    /// <summary>
    /// The exact entropy of a world in nats per character, which is the lowest cross-entropy that a model can reach on
    /// average; null for other sources.
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
/// <param name="Step">The name of the step.</param>
/// <param name="DocumentsRemoved">The number of documents dropped.</param>
/// <param name="CharactersRemoved">The number of characters removed, including those of dropped documents; negative if
/// the step made the text longer.</param>
public sealed record CleaningResult(string Step, long DocumentsRemoved, long CharactersRemoved);
