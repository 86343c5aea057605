using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Data.Tables;

/// <summary>A summary of the values of a column.</summary>
/// <param name="Name">The name of the column.</param>
/// <param name="Kind">The kind of its values: "numbers", "names" or "text".</param>
/// <param name="Missing">The number of rows without a value.</param>
/// <param name="Different">The number of distinct values.</param>
/// <param name="Counts">All distinct values with their row counts, most frequent first.</param>
/// <param name="Quantiles">
/// The minimum, first quartile, median, third quartile and maximum of numbers; empty otherwise.
/// </param>
/// <param name="Mean">The mean of numbers; NaN otherwise.</param>
public sealed record ColumnPreview(string Name, string Kind, long Missing, int Different,
    IReadOnlyList<(string Value, int Count)> Counts, IReadOnlyList<double> Quantiles, double Mean);

/// <summary>A summary of a table that has not been prepared yet.</summary>
/// <param name="Rows">The number of rows.</param>
/// <param name="Columns">The summary of each column.</param>
/// <param name="Encodings">The detected encoding of each text file.</param>
/// <param name="Notes">Choices made automatically, one sentence each.</param>
public sealed record TablePreview(long Rows, IReadOnlyList<ColumnPreview> Columns,
    IReadOnlyDictionary<string, string> Encodings, IReadOnlyList<string> Notes)
{
    private const int MostNamed = 50; // columns in a message
    private const int LongestName = 30; // characters on average: a column with longer values is text

    /// <summary>Reads a whole table and summarises it.</summary>
    /// <param name="section">The data section of the recipe.</param>
    /// <param name="progress">Receives a message at each stage.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The source is missing, damaged or not a table.</exception>
    public static TablePreview Of(DataSection section, IProgress<string>? progress = null,
        CancellationToken cancellation = default)
    {
        var report = new ReadingReport(progress, cancellation);
        RawColumn[] columns = new TablePreparation(section, report, progress, cancellation).ReadColumns(out int rows);
        return new(rows, [.. columns.Select(Describe)], report.Encodings, report.Notes);
    }

    /// <summary>Returns the columns to show: the one of a name, or all.</summary>
    /// <param name="column">The name; null for all columns.</param>
    /// <param name="source">The source, for the message.</param>
    /// <exception cref="AtelierException">There is no such column.</exception>
    public IReadOnlyList<ColumnPreview> Only(string? column, string source)
    {
        ColumnPreview[] found = [.. Columns.Where(c => column is null || c.Name == column)];
        return found.Length > 0 ? found : throw new AtelierException($"there is no column '{column}'", source,
            $"there are {string.Join(", ", Columns.Take(MostNamed).Select(c => c.Name))}");
    }

    private static ColumnPreview Describe(RawColumn column)
    {
        var counts = new int[column.Values.Count];
        foreach (int value in column.Rows.Where(value => value != TableRows.Missing))
            counts[value]++;
        (string, int)[] ordered = [.. column.Values.Zip(counts).OrderByDescending(v => v.Second)
            .ThenBy(v => v.First, StringComparer.Ordinal)];
        bool isNumbers = counts.Length > 0 && column.Values.All(value => ColumnSchema.TryNumber(value, out _));
        double[] numbers = isNumbers ? [.. column.Numbers(column.Name).Where(number => !double.IsNaN(number)).Order()]
            : [];
        string kind = isNumbers ? "numbers"
            : counts.Length > 0 && column.Values.Average(value => value.Length) > LongestName ? "text" : "names";
        return new(column.Name, kind, column.MissingCount, counts.Length, ordered,
            isNumbers ? [.. Enumerable.Range(0, 5).Select(i => Quantile(numbers, i / 4.0))] : [],
            isNumbers ? numbers.Average() : double.NaN);
    }

    /// <summary>
    /// Computes a quantile by linear interpolation between order statistics (Hyndman and Fan 1996, definition 7).
    /// </summary>
    private static double Quantile(double[] ordered, double share)
    {
        double place = share * (ordered.Length - 1);
        int below = (int)place;
        return ordered[below] + ((place - below) * (ordered[Math.Min(below + 1, ordered.Length - 1)] - ordered[below]));
    }
}
