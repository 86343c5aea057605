using System.Text.Json;
using Atelier.Data.Tables;
using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Data.Labelled;

/// <summary>Reads two columns of a table as texts and their labels.</summary>
internal static class LabelledTable
{
    private const string TextKey = "data.column", LabelKey = "data.label";

    /// <summary>Reads a .tsv, .csv, .jsonl or .parquet file. A missing cell is an empty text.</summary>
    /// <exception cref="AtelierException">The file is missing or damaged, is no table, or lacks a column, or the recipe
    /// does not name the columns.</exception>
    public static IEnumerable<LabelledText> Read(string path, DataSection section, ReadingReport report)
    {
        ReadingOptions options = ReadingOptions.Of(section);
        return TextSource.Format(path) == "jsonl" ? Json(path, section, options, report)
            : Cells(path, section, options, report);
    }

    private static IEnumerable<LabelledText> Cells(string path, DataSection section, ReadingOptions options,
        ReadingReport report)
    {
        (int text, int label) = (-1, -1);
        foreach (IReadOnlyList<string?> row in TableFile.Read(path, header =>
            (text, label) = (Find(header.Columns, section.Column, TextKey, path),
                Find(header.Columns, section.Label, LabelKey, path)), options, report))
        {
            yield return new(row[text] ?? "", row[label] ?? "");
        }
    }

    private static IEnumerable<LabelledText> Json(string path, DataSection section, ReadingOptions options,
        ReadingReport report)
    {
        using CheckedReader reader = CheckedReader.Open(path, Path.GetFileName(path), report, options.Encoding);
        foreach ((JsonElement row, string where) in JsonRows.Lines(reader, options, path))
        {
            string[] columns = [.. row.EnumerateObject().Select(property => property.Name)];
            JsonElement Value(string? column, string key) =>
                row.GetProperty(columns[Find(columns, column, key, where)]);
            JsonElement text = Value(section.Column, TextKey), label = Value(section.Label, LabelKey);
            yield return new(JsonRows.Text(text, section.Column!, where) ?? "",
                label.ValueKind is JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False
                    ? label.GetRawText() : JsonRows.Text(label, section.Label!, where) ?? "");
        }
    }

    private static int Find(IReadOnlyList<string> columns, string? wanted, string key, string where)
    {
        string all = $"the columns are {string.Join(", ", columns)}";
        if (wanted is null)
            throw new AtelierException(
                $"{key} does not name the column of the {(key == TextKey ? "texts" : "labels")}", where, all);
        int found = columns.ToList().IndexOf(wanted);
        return found >= 0 ? found
            : throw new AtelierException($"has no column '{wanted}', which {key} names", where, all);
    }
}
