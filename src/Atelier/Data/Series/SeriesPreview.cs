using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Data.Series;

/// <summary>What a column of series holds.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Least">The least value.</param>
/// <param name="Mean">The mean.</param>
/// <param name="Deviation">The standard deviation.</param>
/// <param name="Greatest">The greatest value.</param>
public sealed record SeriesColumn(string Name, double Least, double Mean, double Deviation, double Greatest);

/// <summary>A preview of series, without preparing them.</summary>
/// <param name="Lengths">The length of each series, in rows.</param>
/// <param name="Columns">The contents of each column.</param>
/// <param name="Encodings">The encodings of text files, by file.</param>
/// <param name="Notes">Choices made for the user, one sentence each.</param>
public sealed record SeriesPreview(IReadOnlyList<int> Lengths, IReadOnlyList<SeriesColumn> Columns,
    IReadOnlyDictionary<string, string> Encodings, IReadOnlyList<string> Notes)
{
    /// <summary>Reads series through.</summary>
    /// <param name="section">The data section of the recipe.</param>
    /// <param name="progress">Receives a message at each stage.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The source is missing or no table, or a cell is not a number.</exception>
    public static SeriesPreview Of(DataSection section, IProgress<string>? progress = null,
        CancellationToken cancellation = default)
    {
        var report = new ReadingReport(progress, cancellation);
        (IReadOnlyList<string> names, List<double[]> series) =
            SeriesFile.Read(section, null, report, progress, cancellation);
        return new([.. series.Select(s => s.Length / names.Count)], [.. names.Select(Describe)], report.Encodings,
            report.Notes);

        SeriesColumn Describe(string name, int column)
        {
            double[] values = [.. series.SelectMany(s => s.Where((_, i) => i % names.Count == column))];
            double mean = values.Average();
            return new(name, values.Min(), mean, Math.Sqrt(values.Average(value => (value - mean) * (value - mean))),
                values.Max());
        }
    }
}
