using System.Text.Json;
using Atelier.Formats;

namespace Atelier.Evaluation;

/// <summary>
/// The headline metric of a run for each evaluated item (document, row or sequence), so that runs evaluated on the same
/// data can be compared item by item.
/// </summary>
/// <param name="Data">The data of the evaluation, as the report describes them.</param>
/// <param name="Content">A hash of the data: only runs with equal hashes are compared.</param>
/// <param name="HeldOut">Whether none of the data is training data.</param>
/// <param name="Headline">The headline metric, which is the total of the numerators divided by that of the
/// denominators.</param>
/// <param name="Sums">The numerator of each item.</param>
/// <param name="Weights">The denominator of each item.</param>
public sealed record JudgedScores(string Data, string Content, bool HeldOut, Headline Headline,
    IReadOnlyList<double> Sums, IReadOnlyList<double> Weights)
{
    /// <summary>The name of the file in the folder of a run.</summary>
    public const string FileName = "scores.json";

    /// <summary>Creates the scores of a model from those of its evaluated items.</summary>
    internal static JudgedScores Of(JudgedOn on, string content, Headline headline, IReadOnlyList<MeanScore> scores)
    {
        MeanScore[] stretches = MeanScore.Stretches(scores);
        return new(on.Data, content, on.IsHeldOut, headline, [.. stretches.Select(s => s.Sum)],
            [.. stretches.Select(s => s.Weight)]);
    }

    /// <summary>
    /// For BLEU, which is no mean over items: the counts of each item (its length and that of its reference, then the
    /// matches and the totals of the orders 1 to 4). Null for other metrics.
    /// </summary>
    public IReadOnlyList<IReadOnlyList<long>>? Bleu { get; init; }

    /// <summary>The score of each item.</summary>
    internal MeanScore[] Pieces => [.. Sums.Zip(Weights, (sum, weight) => new MeanScore(sum, weight))];

    /// <summary>Writes the scores to the folder of a run.</summary>
    internal void Write(string folder) =>
        AtomicFile.WriteText(Path.Combine(folder, FileName), JsonSerializer.Serialize(this, EvaluationReport.Compact));

    /// <summary>Reads the scores from the folder of a run; null if there are none.</summary>
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
            bool isValid = scores is { Sums: not null, Headline.Metric: not null }
                && scores.Sums.Count == scores.Weights?.Count;
            return isValid ? scores : throw new JsonException("the numbers of sums and weights differ");
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new AtelierException($"scores cannot be read: {e.Message.TrimEnd('.')}", path,
                $"evaluate the run again: {Mention.Command("evaluate")}", e);
        }
    }
}
