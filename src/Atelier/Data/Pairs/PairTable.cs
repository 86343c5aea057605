using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Atelier.Data.Tables;
using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Data.Pairs;

/// <summary>Reads two columns of a table as pairs. A missing cell is an empty text.</summary>
internal static class PairTable
{
    private const int LongestName = 40, MostWords = 3; // of a column's name in a header that is detected

    private static readonly SearchValues<char> Punctuation = SearchValues.Create(".,;:?!。，？！：；…\"“”");

    /// <summary>Reads a .tsv, .csv, .jsonl or .parquet file, or a .txt file with tabs between the columns.</summary>
    /// <exception cref="AtelierException">The file is missing or damaged, is no table, or lacks a column.</exception>
    public static IEnumerable<TextPair> Read(string path, PairsSection pairs, ReadingOptions options,
        ReadingReport report)
    {
        string format = options.Format ?? TextSource.Format(path);
        return format switch
        {
            "parquet" => Parquet(path, pairs, report),
            "jsonl" => Json(path, pairs, options, report),
            "tsv" or "csv" => Delimited(path, pairs, options, report),
            "txt" => Delimited(path, pairs, options with
            {
                Format = "tsv",
                Separator = options.Separator ?? '\t',
            }, report),
            _ => throw new AtelierException("is not a table of pairs", path, "provide .tsv, .csv, .jsonl or .parquet, "
                + "one of these with .gz, or two files whose lines correspond (train.de,train.en)"),
        };
    }

    private static IEnumerable<TextPair> Delimited(string path, PairsSection pairs, ReadingOptions options,
        ReadingReport report)
    {
        using CheckedReader reader = CheckedReader.Open(path, Path.GetFileName(path), report, options.Encoding);
        var table = DelimitedTable.Begin(reader, options with { HasHeader = false }, report, path);
        IReadOnlyList<string> columns = table.Columns;
        bool isFirst = true;
        (int Source, int Target)? chosen = null;
        foreach (List<string> row in table.Rows)
        {
            bool isHeader = isFirst && options.ColumnNames is null && (options.HasHeader ?? IsHeader(row, pairs));
            isFirst = false;
            if (isHeader)
            {
                columns = row;
                continue;
            }
            (int source, int target) = chosen ??= Choose(columns,
                i => !ColumnSchema.TryNumber(row[i], out _), pairs, path, report);
            yield return new(row[source], row[target]);
        }
    }

    /// <summary>
    /// Returns whether the first row of a table holds column names: a requested name that is no number is one of them,
    /// or all cells are short and without punctuation.
    /// </summary>
    private static bool IsHeader(List<string> first, PairsSection pairs)
    {
        static bool IsName(string? wanted) => wanted is not null && !wanted.All(char.IsAsciiDigit);
        return IsName(pairs.SourceColumn) || IsName(pairs.TargetColumn)
            || first.All(cell => cell.Length <= LongestName && !cell.AsSpan().ContainsAny(Punctuation)
                && cell.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length is > 0 and <= MostWords
                && !ColumnSchema.TryNumber(cell, out _));
    }

    private static IEnumerable<TextPair> Json(string path, PairsSection pairs, ReadingOptions options,
        ReadingReport report)
    {
        using CheckedReader reader = CheckedReader.Open(path, Path.GetFileName(path), report, options.Encoding);
        (string Source, string Target)? chosen = null;
        foreach ((JsonElement row, string where) in JsonRows.Lines(reader, options, path))
        {
            Dictionary<string, JsonElement> values = Values(row);
            if (chosen is null)
            {
                string[] columns = [.. values.Keys];
                (int first, int second) = Choose(columns,
                    i => values[columns[i]].ValueKind == JsonValueKind.String, pairs, where, report);
                chosen = (columns[first], columns[second]);
            }
            string Text(string column) => values.TryGetValue(column, out JsonElement value)
                ? JsonRows.Text(value, column, where) ?? ""
                : throw NoColumn(column, [.. values.Keys], where, "every row needs both columns");
            yield return new(Text(chosen.Value.Source), Text(chosen.Value.Target));
        }
    }

    /// <summary>Returns the values of an object; those of an inner object have names such as translation.en.</summary>
    private static Dictionary<string, JsonElement> Values(JsonElement row)
    {
        var values = new Dictionary<string, JsonElement>();
        foreach (JsonProperty property in row.EnumerateObject())
        {
            if (property.Value.ValueKind != JsonValueKind.Object)
            {
                values[property.Name] = property.Value;
                continue;
            }
            foreach (JsonProperty inner in property.Value.EnumerateObject())
                values[$"{property.Name}.{inner.Name}"] = inner.Value;
        }
        return values;
    }

    private static IEnumerable<TextPair> Parquet(string path, PairsSection pairs, ReadingReport report)
    {
        using var table = ParquetTable.Open(path, report);
        IReadOnlyList<ParquetColumn> columns = table.Columns;
        (int source, int target) = Choose([.. columns.Select(column => column.Name)], i => columns[i].IsText, pairs,
            path, report);
        for (int group = 0; group < table.GroupCount; group++)
        {
            string?[] sources = table.ReadGroup(columns[source], group);
            string?[] targets = table.ReadGroup(columns[target], group);
            for (int row = 0; row < sources.Length; row++)
                yield return new(sources[row] ?? "", targets[row] ?? "");
        }
    }

    /// <summary>
    /// Returns the indices of the columns of sources and targets: those that the recipe names, or the first columns of
    /// text.
    /// </summary>
    private static (int Source, int Target) Choose(IReadOnlyList<string> columns, Func<int, bool> isText,
        PairsSection pairs, string where, ReadingReport report)
    {
        int? source = Named(columns, pairs.SourceColumn, "data.pairs.sourceColumn", where);
        int? target = Named(columns, pairs.TargetColumn, "data.pairs.targetColumn", where);
        if (source is not null && source == target)
            throw new AtelierException($"sources and targets are both in column '{columns[source.Value]}'", where,
                "name two columns in data.pairs.sourceColumn and data.pairs.targetColumn");
        bool areNamed = source is not null && target is not null;
        int First(int? other) => Enumerable.Range(0, columns.Count).Where(i => i != other && isText(i))
            .Select(i => (int?)i).FirstOrDefault() ?? throw new AtelierException(
                $"has no two columns of text; its columns are {string.Join(", ", columns)}", where,
                "provide a table with two columns of text, or two files whose lines correspond (train.de,train.en)");
        source ??= First(target);
        target ??= First(source);
        if (!areNamed)
            report.Note($"Sources are in column '{columns[source.Value]}' and targets in column "
                + $"'{columns[target.Value]}': data.pairs.sourceColumn and data.pairs.targetColumn choose others.");
        return (source.Value, target.Value);
    }

    private static int? Named(IReadOnlyList<string> columns, string? wanted, string key, string where)
    {
        if (wanted is null)
            return null;
        for (int i = 0; i < columns.Count; i++)
        {
            if (columns[i] == wanted)
                return i;
        }
        return int.TryParse(wanted, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            && number >= 1 && number <= columns.Count
            ? number - 1
            : throw NoColumn(wanted, columns, where, $"name one of them, or its number, in {Mention.Field(key)}");
    }

    private static AtelierException NoColumn(string column, IReadOnlyList<string> columns, string where, string hint) =>
        new($"has no column '{column}'; its columns are {string.Join(", ", columns)}", where, hint);
}
