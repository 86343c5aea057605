using Atelier.Abstractions;
using Atelier.Data.Tables;
using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Data.Series;

/// <summary>Reads series from the rows of tables.</summary>
internal static class SeriesFile
{
    private const string Advice =
        "correct it, or choose the numeric columns with data.table.columns and the column that identifies sequences "
        + "with data.table.sequence";

    /// <summary>Reads the sequences of a file that a request brings, each [time, column].</summary>
    /// <exception cref="AtelierException">It is not a table, lacks a column, or has a cell that is not a
    /// number.</exception>
    public static List<double[]> Read(InputData input, IReadOnlyList<string> columns) =>
        Read(new DataSection { Source = input.Name }, columns, new ReadingReport(), input: input).Sequences;

    /// <summary>Reads the columns and the sequences, each [time, column].</summary>
    /// <exception cref="AtelierException">The source is missing or not a table, or a cell is not a number.</exception>
    public static (IReadOnlyList<string> Columns, List<double[]> Sequences) Read(DataSection section,
        IReadOnlyList<string>? columns, ReadingReport report, IProgress<string>? progress = null,
        CancellationToken cancellation = default, FileSource? input = null)
    {
        string? key = section.Table.Sequence;
        IReadOnlyList<string>? wanted = columns ?? (section.Table.Columns.Count > 0 ? section.Table.Columns : null);
        // Rows are read like those of any table, with the same rules for missing cells, separators and decimal marks.
        DataSection numbers = section with
        {
            Table = section.Table with
            {
                Columns = wanted is null ? [] : key is null ? wanted : [.. wanted, key],
                Categorical = key is null ? [] : [key],
            },
        };
        RawColumn[] read = new TablePreparation(numbers, report, progress, cancellation)
            .ReadColumns(out int rows, input);
        RawColumn[] values = [.. read.Where(column => column.Name != key)];
        if (key is not null && read.Length == values.Length)
            throw new AtelierException(
                $"has no column '{key}'; its columns are {string.Join(", ", read.Select(c => c.Name))}", section.Source,
                "name an existing column in data.table.sequence");
        if (rows == 0 || values.Length == 0)
            throw new AtelierException("contains no series", section.Source, "provide a table with rows of numbers");
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
            throw new AtelierException($"'{other}' in column '{column.Name}' of row {Row(column, other)} is not a "
                + $"number",
                source, Advice);
        double[] numbers = column.Numbers(source);
        int missing = Array.FindIndex(numbers, double.IsNaN);
        return missing < 0 ? numbers : throw new AtelierException(
            $"the cell in column '{column.Name}' of row {missing + 2} is missing", source,
            "a series cannot have missing numbers: fill it in, or remove the row");
    }

    // Row numbers count the header and start at 1, as line numbers in editors do.
    private static int Row(RawColumn column, string value) =>
        column.Rows.ToList().IndexOf(column.Values.ToList().IndexOf(value)) + 2;
}
