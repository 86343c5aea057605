using System.Text.Json;
using Atelier.Formats;

namespace Atelier.Evaluation;

/// <summary>
/// A run's headline metric for each piece (document, row, sequence), so that runs evaluated on the same data are
/// compared pair by pair.
/// </summary>
/// <param name="Data">The data of the evaluation, as the page describes it.</param>
/// <param name="Content">A hash of the data: only runs with equal ones are compared.</param>
/// <param name="HeldOut">Whether none of it is training data.</param>
/// <param name="Headline">The headline metric: the quotient of the sums.</param>
/// <param name="Sums">[piece]: the numerators.</param>
/// <param name="Weights">[piece]: the denominators.</param>
public sealed record JudgedScores(
    string Data, string Content, bool HeldOut, Headline Headline, IReadOnlyList<double> Sums,
        IReadOnlyList<double> Weights)
{
    /// <summary>The file's name in a run's folder.</summary>
    public const string FileName = "scores.json";

    /// <summary>The scores of a model.</summary>
    internal static JudgedScores Of(JudgedOn on, string content, Headline headline, IReadOnlyList<MeanScore> scores)
    {
        MeanScore[] stretches = MeanScore.Stretches(scores);
        return new(on.Data, content, on.IsHeldOut, headline, [.. stretches.Select(s => s.Sum)],
            [.. stretches.Select(s => s.Weight)]);
    }

    /// <summary>The pieces.</summary>
    internal MeanScore[] Pieces => [.. Sums.Zip(Weights, (sum, weight) => new MeanScore(sum, weight))];

    /// <summary>Writes the file into a run's folder.</summary>
    internal void Write(string folder) =>
        AtomicFile.WriteText(Path.Combine(folder, FileName), JsonSerializer.Serialize(this, EvaluationReport.Compact));

    /// <summary>Reads the file in a run's folder; null if there is none.</summary>
    /// <exception cref="AtelierException">The file is damaged.</exception>
    public static JudgedScores? Read(string folder)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
            return null;
        try
        {
            JudgedScores scores = JsonSerializer.Deserialize<JudgedScores>(File.ReadAllBytes(path),
                EvaluationReport.Compact) ?? throw new JsonException("it is null");
            return scores.Sums?.Count == scores.Weights?.Count
                && scores is { Sums: not null, Headline.Metric: not null }
                ? scores : throw new JsonException("the numbers of sums and weights differ");
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new AtelierException($"scores cannot be read: {e.Message.TrimEnd('.')}", path,
                $"evaluate the run again: {Mention.Command("evaluate")}", e);
        }
    }
}
