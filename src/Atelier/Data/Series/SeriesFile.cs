using Atelier.Abstractions;
using Atelier.Data.Tables;
using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Data.Series;

/// <summary>Series in the rows of tables.</summary>
internal static class SeriesFile
{
    private const string Advice =
        "mend it, or choose the columns of numbers with data.table.columns and the one that names sequences with "
            + "data.table.sequence";

    /// <summary>Reads the sequences of a file that a request brings, each [time, column].</summary>
    /// <exception cref="AtelierException">It is no table, lacks a column, or a cell is no number.</exception>
    public static List<double[]> Read(InputData input, IReadOnlyList<string> columns) =>
        Read(new DataSection { Source = input.Name }, columns, new ReadingReport(), input: input).Sequences;

    /// <summary>Reads the columns and the sequences, each [time, column].</summary>
    /// <exception cref="AtelierException">The source is missing or no table, or a cell is no number.</exception>
    public static (IReadOnlyList<string> Columns, List<double[]> Sequences) Read(DataSection section,
        IReadOnlyList<string>? columns, ReadingReport report, IProgress<string>? progress = null,
        CancellationToken cancellation = default, FileSource? input = null)
    {
        string? key = section.Table.Sequence;
        IReadOnlyList<string>? wanted = columns ?? (section.Table.Columns.Count > 0 ? section.Table.Columns : null);
        // Rows are read as those of any table: the same cells are missing, the same separators and decimal marks are
        // found.
        DataSection numbers = section with
        {
            Table = section.Table with { Columns = wanted is null ? [] : key is null ? wanted
                : [.. wanted, key], Categorical = key is null ? [] : [key] },
        };
        RawColumn[] read = new TablePreparation(numbers, report, progress, cancellation)
            .ReadColumns(out int rows, input);
        RawColumn[] values = [.. read.Where(column => column.Name != key)];
        if (key is not null && read.Length == values.Length)
            throw new AtelierException(
                $"has no column '{key}'; its columns are {string.Join(", ", read.Select(c => c.Name))}", section.Source,
                "name one that it has in data.table.sequence");
        if (rows == 0 || values.Length == 0)
            throw new AtelierException("holds no series", section.Source, "bring a table with rows of numbers");
        double[][] cells = [.. values.Select(column => Numbers(column, section.Source))]; // [column][row]
        IReadOnlyList<int>? keys = read.FirstOrDefault(column => column.Name == key)?.Rows;
        var sequences = new Dictionary<int, List<double>>();
        for (int row = 0; row < rows; row++)
        {
            int sequence = keys?[row] ?? 0;
            if (!sequences.TryGetValue(sequence, out List<double>? times))
                sequences.Add(sequence, times = []);
            foreach (double[] column in cells)
                times.Add(column[row]);
        }
        return ([.. values.Select(column => column.Name)], [.. sequences.Values.Select(times => times.ToArray())]);
    }

    private static double[] Numbers(RawColumn column, string source)
    {
        if (column.Values.FirstOrDefault(value => !ColumnSchema.TryNumber(value, out _)) is { } other)
            throw new AtelierException($"'{other}' in column '{column.Name}' of row {Row(column, other)} is no number",
                source, Advice);
        double[] numbers = column.Numbers(source);
        int missing = Array.FindIndex(numbers, double.IsNaN);
        return missing < 0 ? numbers : throw new AtelierException(
            $"the cell in column '{column.Name}' of row {missing + 2} is missing", source,
                "a series needs every number: fill it in, or take the row out");
    }

    // Rows are counted with the header, as editors count lines.
    private static int Row(RawColumn column, string value) =>
        column.Rows.ToList().IndexOf(column.Values.ToList().IndexOf(value)) + 2;
}
