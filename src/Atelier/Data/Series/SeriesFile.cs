using Atelier.Data.Tables;
using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Data.Series;

/// <summary>Reads series from the rows of tables.</summary>
internal static class SeriesFile
{
    private const string Advice =
        "mend it, or choose the columns of numbers with data.table.columns and the one that names sequences with "
        + "data.table.sequence";

    /// <summary>Reads the names of the columns, and the series, each as [time, column].</summary>
    /// <exception cref="AtelierException">The source is missing or not a table, or a cell is not a
    /// number.</exception>
    public static (IReadOnlyList<string> Columns, List<double[]> Sequences) Read(DataSection section,
        IReadOnlyList<string>? columns, ReadingReport report, IProgress<string>? progress = null,
        CancellationToken cancellation = default)
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
        RawColumn[] read = new TablePreparation(numbers, report, progress, cancellation).ReadColumns(out int rows);
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

    // Row numbers count the header and start at 1, as line numbers in editors do.
    private static int Row(RawColumn column, string value) =>
        column.Rows.ToList().IndexOf(column.Values.ToList().IndexOf(value)) + 2;
}
