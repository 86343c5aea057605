namespace Atelier.Data.Text.Reading;

/// <summary>Chooses the column of a table that holds the text.</summary>
internal static class TableColumn
{
    /// <summary>
    /// Returns the requested column. If none was requested, returns the column "text" or the only column, and adds a
    /// note to the report.
    /// </summary>
    /// <exception cref="AtelierException">The table lacks the column; or none was requested, and the choice is
    /// ambiguous.</exception>
    public static string Choose(IReadOnlyList<string> columns, string? wanted, string where, ReadingReport report)
    {
        string all = string.Join(", ", columns);
        if (wanted is not null)
            return columns.Contains(wanted)
                ? wanted
                : throw new AtelierException($"has no column '{wanted}'; its columns are {all}",
                    where, $"name one of them in {Mention.Field("data.column")}");
        string? chosen = columns.Contains("text") ? "text" : columns.Count == 1 ? columns[0] : null;
        if (chosen is null)
            throw new AtelierException($"has the columns {all}, and none was selected",
                where, $"name the column with the text in {Mention.Field("data.column")}");
        report.Note($"Using the text in column '{chosen}'.");
        return chosen;
    }
}
