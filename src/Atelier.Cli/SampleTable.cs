using System.Globalization;
using System.Text;
using Atelier.Abstractions;
using Atelier.Data.Tables;

namespace Atelier.Cli;

/// <summary>Writes generated rows and series as a table with a header, which <c>train</c> can read.</summary>
internal static class SampleTable
{
    private const string SequenceColumn = "sequence";

    /// <summary>Returns the text of the table, or null if the file or the samples are not a table.</summary>
    /// <param name="path">A file: .csv or .tsv.</param>
    /// <param name="samples">The samples.</param>
    public static string? Text(string path, IReadOnlyList<Sample> samples)
    {
        char separator;
        switch (Path.GetExtension(path).ToLowerInvariant())
        {
            case ".csv":
                separator = ',';
                break;
            case ".tsv":
                separator = '\t';
                break;
            default:
                return null;
        }
        var text = new StringBuilder();
        if (samples is [RowSample row, ..])
        {
            text.Append(DelimitedText.Line(row.Columns, separator));
            foreach (RowSample each in samples.Cast<RowSample>())
                text.Append(DelimitedText.Line(each.Values.Select(value => value.ToString()), separator));
            return text.ToString();
        }
        if (samples is not [SeriesSample series, ..])
            return null;
        // Several series need a column to distinguish them: data.table.sequence names it when they are read.
        bool several = samples.Count > 1;
        text.Append(DelimitedText.Line(several ? [SequenceColumn, .. series.Columns] : series.Columns, separator));
        foreach ((int number, SeriesSample each) in samples.Cast<SeriesSample>().Index())
        {
            foreach (double[] values in each.Rows)
            {
                IEnumerable<string> cells = values.Select(value => value.ToString("R", CultureInfo.InvariantCulture));
                text.Append(DelimitedText.Line(several ? cells.Prepend(FormattableString.Invariant($"{number + 1}"))
                    : cells, separator));
            }
        }
        return text.ToString();
    }
}
