using System.Text.Json;
using Atelier.Evaluation;
using Atelier.Formats;

namespace Atelier.Choose;

/// <summary>The result of a short or full training of a candidate.</summary>
public sealed record Trial
{
    private const string FileName = "trial.json";

    /// <summary>The number of steps; 1 for a family that takes none.</summary>
    public required long Steps { get; init; }

    /// <summary>The time of the training and its evaluation in seconds.</summary>
    public required double Seconds { get; init; }

    /// <summary>The time of a step in seconds; 0 for a family that takes none.</summary>
    public double SecondsPerStep { get; init; }

    /// <summary>The metric that the candidates are compared by, on the validation part.</summary>
    public required Metric Figure { get; init; }

    /// <summary>What the metric is.</summary>
    public required Headline Headline { get; init; }

    /// <summary>The loss on the training data at the end; null if the family has none.</summary>
    public double? TrainingLoss { get; init; }

    /// <summary>The loss on the validation data at the end; null if the family has none.</summary>
    public double? ValidationLoss { get; init; }

    /// <summary>The model, measured; null for trials after the first of a candidate.</summary>
    public ModelFootprint? Footprint { get; init; }

    /// <summary>Writes the result to the folder of the trial.</summary>
    internal void Write(string folder) =>
        AtomicFile.WriteText(Path.Combine(folder, FileName), JsonSerializer.Serialize(this, EvaluationReport.Compact));

    /// <summary>Reads the result of a finished trial; null if there is none.</summary>
    internal static Trial? Read(string folder)
    {
        string path = Path.Combine(folder, FileName);
        try
        {
            return !File.Exists(path) ? null
                : JsonSerializer.Deserialize<Trial>(File.ReadAllBytes(path), EvaluationReport.Compact);
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new AtelierException($"cannot be read: {e.Message.TrimEnd('.')}", path,
                "delete the folder of the trial, and it is run again", e);
        }
    }
}

/// <summary>What a model takes and offers in use.</summary>
/// <param name="Bytes">The size of its weights' file in bytes.</param>
/// <param name="MemoryBytes">The memory that the process gained when the model was opened and used, in bytes; at least
/// the weights.</param>
/// <param name="Speed">How many items it generates per second; null if it generates none without an input.</param>
/// <param name="SpeedUnit">What the items are, such as "tokens/s".</param>
/// <param name="Abilities">What it can do, of the abilities that models differ in.</param>
/// <param name="Memory">The number of tokens that it conditions on; null if there is no limit, or it is no language
/// model.</param>
public sealed record ModelFootprint(long Bytes, long MemoryBytes, double? Speed, string SpeedUnit,
    IReadOnlyList<string> Abilities, int? Memory);
