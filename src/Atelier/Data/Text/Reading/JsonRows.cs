using System.Text;
using System.Text.Json;

namespace Atelier.Data.Text.Reading;

/// <summary>
/// Reads text from a property of JSON objects: one object per line (.jsonl), or an array of objects (.json). If the
/// property is an array of strings, they become the lines of one text.
/// </summary>
internal static class JsonRows
{
    /// <summary>Returns the texts of a file with one object per line.</summary>
    public static IEnumerable<string> ReadLines(CheckedReader reader, ReadingOptions options, ReadingReport report,
        string where)
    {
        string? column = null;
        foreach ((JsonElement row, string place) in Lines(reader, options, where))
        {
            if (Text(row, ref column, options, report, place) is { } text)
                yield return text;
        }
    }

    /// <summary>
    /// Returns the objects of a file with one per line, and where each is. An object is valid until the next is read.
    /// </summary>
    public static IEnumerable<(JsonElement Row, string Where)> Lines(CheckedReader reader, ReadingOptions options,
        string where)
    {
        long number = 0;
        foreach (string line in PlainText.Lines(reader, options.LongestPiece, where))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line))
                continue;
            string place = $"{where}, line {number}";
            using JsonDocument row = Parse(line, place);
            if (row.RootElement.ValueKind != JsonValueKind.Object)
                throw NoObject(place);
            yield return (row.RootElement, place);
        }
    }

    /// <summary>Returns the texts of a file that is one array of objects. The whole file is held in memory.</summary>
    public static IEnumerable<string> ReadArray(CheckedReader reader, ReadingOptions options, ReadingReport report,
        string where)
    {
        var all = new StringBuilder();
        for (ReadOnlySpan<char> block = reader.ReadBlock(); !block.IsEmpty; block = reader.ReadBlock())
        {
            // An array can only be parsed as a whole, so its size is limited.
            if (all.Length + block.Length > 16L * options.LongestPiece)
                throw new AtelierException($"is one JSON value of more than {16L * options.LongestPiece} characters",
                    where, "write one object a line (.jsonl), which may be of any length");
            all.Append(block);
        }
        using JsonDocument file = Parse(all.ToString(), where);
        if (file.RootElement.ValueKind != JsonValueKind.Array)
            throw new AtelierException("is not an array of objects",
                where, "write [{...}, {...}], or one object a line (.jsonl)");
        string? column = null;
        int number = 0;
        foreach (JsonElement row in file.RootElement.EnumerateArray())
            if (Text(row, ref column, options, report, $"{where}, item {++number}") is { } text)
                yield return text;
    }

    private static string? Text(
        JsonElement row, ref string? column, ReadingOptions options, ReadingReport report, string where)
    {
        if (row.ValueKind != JsonValueKind.Object)
            throw NoObject(where);
        column ??= TableColumn.Choose(Columns(row), options.Column, where, report);
        return row.TryGetProperty(column, out JsonElement value) ? Text(value, column, where)
            : throw new AtelierException($"has no column '{column}'; its columns are {string.Join(", ", Columns(row))}",
                where,
                $"name a column that exists in every row in {Mention.Field("data.column")}");
    }

    /// <summary>Returns a value as text; null for null.</summary>
    /// <exception cref="AtelierException">It is neither text nor an array of texts.</exception>
    public static string? Text(JsonElement value, string column, string where)
    {
        try
        {
            return value.ValueKind switch
            {
                JsonValueKind.Null => null,
                JsonValueKind.String => value.GetString(),
                JsonValueKind.Array when value.EnumerateArray().All(v => v.ValueKind == JsonValueKind.String) =>
                    string.Join('\n', value.EnumerateArray().Select(v => v.GetString())),
                _ => throw new AtelierException(
                    $"has {value.ValueKind.ToString().ToLowerInvariant()} in column '{column}', but text is expected",
                    where, "name a column of text"),
            };
        }
        catch (InvalidOperationException e)
        {
            throw new AtelierException($"has half a surrogate pair in column '{column}'",
                where, "correct the escape \\uD8xx", e);
        }
    }

    private static List<string> Columns(JsonElement row) => [.. row.EnumerateObject().Select(p => p.Name)];

    private static AtelierException NoObject(string where) =>
        new("is not an object", where, "write one object with named values a row");

    private static JsonDocument Parse(string json, string where)
    {
        try
        {
            return JsonDocument.Parse(json);
        }
        catch (JsonException e)
        {
            throw new AtelierException("is not JSON: " + e.Message.Split(" LineNumber:")[0].TrimEnd('.'),
                where, "mend it", e);
        }
    }
}
