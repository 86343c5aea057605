using System.Globalization;
using System.Text.Json;
using Atelier.Data.Tables;

namespace Atelier.Evaluation.Ratings;

/// <summary>Writes the answers of a study for other programs.</summary>
public static class RatingExport
{
    private static readonly string[] PairColumns =
    [
        "answer", "rater", "name", "prompt", "left", "leftModel", "right", "rightModel", "choice", "preferred",
        "preferredModel", "check", "reason", "seconds", "time",
    ];

    private static readonly string[] ScaleColumns =
        ["answer", "rater", "name", "prompt", "item", "model", "rubric", "value", "reason", "seconds", "time"];

    /// <summary>
    /// Writes all answers as CSV with a header line, one line for each answer, including those to attention checks.
    /// </summary>
    /// <param name="store">The study with its answers.</param>
    /// <param name="writer">The writer.</param>
    /// <exception cref="AtelierException">The store is damaged or busy.</exception>
    public static void WriteAnswers(RatingStore store, TextWriter writer)
    {
        var names = store.Raters().ToDictionary(rater => rater.Id, rater => rater.Name);
        StudyIndex index = store.Index;
        bool isPairwise = store.Study.Kind == StudyKind.Pairwise;
        writer.Write(DelimitedText.Line(isPairwise ? PairColumns : ScaleColumns));
        IEnumerable<string[]> lines = isPairwise
            ? store.PairAnswers().Select(answer => Cells(index, names[answer.Rater], answer))
            : store.ScaleAnswers().Select(answer => Cells(index, names[answer.Rater], answer));
        foreach (string[] cells in lines)
            writer.Write(DelimitedText.Line(cells));
    }

    /// <summary>
    /// Writes preferences as JSON Lines, as programs for preference training read them: one object {"prompt", "chosen",
    /// "rejected"} for each answer that prefers an output. Ties, "both bad" and answers to attention checks are left
    /// out. A media file is given by its relative name.
    /// </summary>
    /// <param name="store">A pairwise study with its answers.</param>
    /// <param name="writer">The writer.</param>
    /// <param name="leaveOut">The ids of raters whose answers are left out; null for none.</param>
    /// <returns>The number of lines.</returns>
    /// <exception cref="AtelierException">The study is not pairwise, or the store is damaged or busy.</exception>
    public static int WritePreferences(RatingStore store, TextWriter writer, IReadOnlySet<long>? leaveOut = null)
    {
        if (store.Study.Kind != StudyKind.Pairwise)
            throw new AtelierException("a study of scales has no preferences", hint: "choose a pairwise study");
        int lines = 0;
        foreach (PairAnswer answer in store.PairAnswers())
        {
            if (answer.Check != CheckKind.None || answer.Preferred is not { } preferred
                || leaveOut?.Contains(answer.Rater) == true)
                continue;
            StudyItem chosen = store.Index.Find(preferred)!;
            StudyItem rejected = store.Index.Find(preferred == answer.Left ? answer.Right : answer.Left)!;
            writer.Write(JsonSerializer.Serialize(
                new Preference(chosen.Prompt, Output(chosen), Output(rejected)), EvaluationReport.Compact) + "\n");
            lines++;
        }
        return lines;
    }

    private static string[] Cells(StudyIndex index, string name, PairAnswer answer)
    {
        StudyItem left = index.Find(answer.Left)!, right = index.Find(answer.Right)!;
        StudyItem? preferred = answer.Preferred is { } id ? index.Find(id) : null;
        return
        [
            Text(answer.Id), Text(answer.Rater), name, left.PromptId, left.Id, left.Model, right.Id, right.Model,
            Name(answer.Choice), preferred?.Id ?? "", preferred?.Model ?? "", Name(answer.Check), answer.Reason ?? "",
            Text(answer.Seconds), Text(answer.Time),
        ];
    }

    private static string[] Cells(StudyIndex index, string name, ScaleAnswer answer)
    {
        StudyItem item = index.Find(answer.Item)!;
        return
        [
            Text(answer.Id), Text(answer.Rater), name, item.PromptId, item.Id, item.Model, answer.Rubric,
            Text(answer.Value), answer.Reason ?? "", Text(answer.Seconds), Text(answer.Time),
        ];
    }

    private static string Output(StudyItem item) => item.Text ?? item.File!;

    private static string Name<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.CamelCase.ConvertName(value.ToString());

    private static string Text(DateTimeOffset time) => time.ToString("O", CultureInfo.InvariantCulture);

    private static string Text<T>(T number)
        where T : IFormattable => number.ToString(null, CultureInfo.InvariantCulture);

    private sealed record Preference(string Prompt, string Chosen, string Rejected);
}
