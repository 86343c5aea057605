using Atelier.Data.Tables;
using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Data.Series;

/// <summary>Series in the rows of tables.</summary>
internal static class SeriesFile
{
    /// <summary>The columns and the sequences, each [time, column].</summary>
    /// <exception cref="AtelierException">The source is missing or no table, or a cell is no number.</exception>
    public static (IReadOnlyList<string> Columns, List<double[]> Sequences) Read(DataSection section, IReadOnlyList<string>? columns,
        ReadingReport report, IProgress<string>? progress = null, CancellationToken cancellation = default)
    {
        var sequences = new Dictionary<string, List<double>>();
        IReadOnlyList<string>? wanted = columns ?? (section.Table.Columns.Count > 0 ? section.Table.Columns : null);
        string? key = section.Table.Sequence;
        foreach (string path in SourceFiles.Find(section.Source, report, progress, cancellation).Expand("csv", "tsv", "parquet"))
        {
            int[] places = [];
            int keyPlace = -1, row = 1;
            foreach (IReadOnlyList<string?> cells in TableFile.Read(path, Begin, report))
            {
                row++;
                string name = keyPlace < 0 ? "" : cells[keyPlace] ?? "";
                if (!sequences.TryGetValue(name, out List<double>? values))
                    sequences.Add(name, values = []);
                for (int i = 0; i < places.Length; i++)
                {
                    values.Add(cells[places[i]] is { } cell && ColumnSchema.TryNumber(cell, out double number)
                        ? number
                        : throw new AtelierException($"'{cells[places[i]]}' in column '{wanted![i]}' of row {row} is no number", path,
                            "mend it, or choose the columns of numbers with data.table.columns and the one that names sequences with data.table.sequence"));
                }
            }

            void Begin(IReadOnlyList<string> names)
            {
                wanted ??= [.. names.Where(name => name != key)];
                foreach (string name in (key is null ? wanted : wanted.Append(key)).Where(name => !names.Contains(name)))
                    throw new AtelierException($"has no column '{name}'; its columns are {string.Join(", ", names)}", path, "name columns that it has");
                places = [.. wanted.Select(name => names.ToList().IndexOf(name))];
                keyPlace = key is null ? -1 : names.ToList().IndexOf(key);
            }
        }
        if (sequences.Count == 0 || wanted is null or [])
            throw new AtelierException("holds no series", section.Source, "bring a table with rows of numbers");
        progress?.Report(FormattableString.Invariant($"read {sequences.Values.Sum(v => (long)v.Count) / wanted.Count:N0} rows of {sequences.Count} series"));
        return (wanted, [.. sequences.Values.Select(values => values.ToArray())]);
    }
}
