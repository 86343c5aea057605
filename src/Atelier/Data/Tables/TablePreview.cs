using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Data.Tables;

/// <summary>What a column holds.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">"numbers", "names" or "text".</param>
/// <param name="Missing">Rows without a value.</param>
/// <param name="Different">Different values.</param>
/// <param name="Counts">The values with how many rows have each, most frequent first; all of them.</param>
/// <param name="Quantiles">
/// Of numbers: the least, the first quartile, the median, the third quartile, the greatest; empty otherwise.
/// </param>
/// <param name="Mean">Of numbers: their mean; NaN otherwise.</param>
public sealed record ColumnPreview(string Name, string Kind, long Missing, int Different,
    IReadOnlyList<(string Value, int Count)> Counts, IReadOnlyList<double> Quantiles, double Mean);

/// <summary>A preview of a table, without preparing it.</summary>
/// <param name="Rows">Rows in all.</param>
/// <param name="Columns">What each column holds.</param>
/// <param name="Encodings">The encodings of text files, by file.</param>
/// <param name="Notes">Choices made for the user, one sentence each.</param>
public sealed record TablePreview(long Rows, IReadOnlyList<ColumnPreview> Columns,
    IReadOnlyDictionary<string, string> Encodings, IReadOnlyList<string> Notes)
{
    private const int LongestName = 30; // characters on the average: longer values are texts

    /// <summary>Reads a table through.</summary>
    /// <param name="section">What to read and how.</param>
    /// <param name="progress">Receives a message at each stage.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The source is missing, damaged or no table.</exception>
    public static TablePreview Of(DataSection section, IProgress<string>? progress = null,
        CancellationToken cancellation = default)
    {
        var report = new ReadingReport(progress, cancellation);
        RawColumn[] columns = new TablePreparation(section, report, progress, cancellation).ReadColumns(out int rows);
        return new(rows, [.. columns.Select(Describe)], report.Encodings, report.Notes);
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
            isNumbers ? [.. Enumerable.Range(0, 5).Select(i => Quantile(numbers, i / 4.0))] : [], isNumbers
                ? numbers.Average() : double.NaN);
    }

    /// <summary>
    /// A quantile by linear interpolation between order statistics (Hyndman and Fan 1996, definition 7).
    /// </summary>
    private static double Quantile(double[] ordered, double share)
    {
        double place = share * (ordered.Length - 1);
        int below = (int)place;
        return ordered[below] + ((place - below) * (ordered[Math.Min(below + 1, ordered.Length - 1)] - ordered[below]));
    }
}
