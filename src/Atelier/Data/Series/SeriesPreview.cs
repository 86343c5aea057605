using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Data.Series;

/// <summary>A summary of the values of a column.</summary>
/// <param name="Name">The name of the column.</param>
/// <param name="Least">The minimum.</param>
/// <param name="Mean">The mean.</param>
/// <param name="Deviation">The standard deviation.</param>
/// <param name="Greatest">The maximum.</param>
public sealed record SeriesColumn(string Name, double Least, double Mean, double Deviation, double Greatest);

/// <summary>A summary of series that have not been prepared yet.</summary>
/// <param name="Lengths">The length of each series, in rows.</param>
/// <param name="Columns">The summary of each column.</param>
/// <param name="Encodings">The detected encoding of each text file.</param>
/// <param name="Notes">Choices made automatically, one sentence each.</param>
public sealed record SeriesPreview(IReadOnlyList<int> Lengths, IReadOnlyList<SeriesColumn> Columns,
    IReadOnlyDictionary<string, string> Encodings, IReadOnlyList<string> Notes)
{
    /// <summary>Reads all series of a source and summarises them.</summary>
    /// <param name="section">The data section of the recipe.</param>
    /// <param name="progress">Receives a message at each stage.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The source is missing or not a table, or a cell is not a
    /// number.</exception>
    public static SeriesPreview Of(DataSection section, IProgress<string>? progress = null,
        CancellationToken cancellation = default)
    {
        var report = new ReadingReport(progress, cancellation);
        (IReadOnlyList<string> names, List<double[]> series) =
            SeriesFile.Read(section, null, report, progress, cancellation);
        int[] lengths = [.. series.Select(s => s.Length / names.Count)];
        return new(lengths, [.. names.Select(Describe)], report.Encodings, report.Notes);

        SeriesColumn Describe(string name, int column)
        {
            double[] values = [.. series.SelectMany(s => s.Where((_, i) => i % names.Count == column))];
            double mean = values.Average();
            return new(name, values.Min(), mean, Math.Sqrt(values.Average(value => (value - mean) * (value - mean))),
                values.Max());
        }
    }
}
