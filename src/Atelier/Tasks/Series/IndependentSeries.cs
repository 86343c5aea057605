using Atelier.Evaluation;

namespace Atelier.Tasks.Series;

/// <summary>
/// The baseline for series: all rows and columns are independent. Each column has a Poisson distribution if the
/// evaluated model returns probabilities of counts, and a normal distribution if it returns densities, so that the two
/// are comparable.
/// </summary>
internal sealed class IndependentSeries
{
    private readonly bool _counts;
    private readonly (double Mean, double Deviation)[] _columns;

    private IndependentSeries(bool counts, (double Mean, double Deviation)[] columns) =>
        (_counts, _columns) = (counts, columns);

    /// <summary>The number of free parameters.</summary>
    public long FreeParameters => _columns.Length * (_counts ? 1L : 2L);

    /// <summary>Fits the baseline to training series.</summary>
    /// <param name="training">The training series, each as [time, column].</param>
    /// <param name="columns">The names of the columns.</param>
    /// <param name="counts">Whether values are counts.</param>
    /// <param name="refusal">A sentence that says why the baseline is undefined; null if there is one, or no training
    /// data.</param>
    /// <returns>The baseline; null if it is undefined.</returns>
    public static IndependentSeries? Fit(IReadOnlyList<double[]> training, IReadOnlyList<string> columns, bool counts,
        out string? refusal)
    {
        int width = columns.Count;
        double[] all = [.. training.SelectMany(s => s)];
        refusal = null;
        if (all.Length == 0)
            return null;
        var fitted = new (double Mean, double Deviation)[width];
        var constant = new List<string>();
        for (int d = 0; d < width; d++)
        {
            double[] values = [.. all.Where((_, i) => i % width == d)];
            // Jeffreys's prior adds half a count, so that after a column of zeros other counts are still possible.
            double mean = counts ? (values.Sum() + 0.5) / values.Length : values.Average();
            fitted[d] = (mean, Math.Sqrt(values.Average(v => (v - mean) * (v - mean))));
            if (values.All(v => v == values[0]))
                constant.Add(columns[d]);
        }
        if (!counts && constant.Count > 0)
        {
            refusal = $"There is no baseline: {string.Join(", ", constant)} never changed in training, so that a "
                + $"normal density there has no bound and compares with nothing.";
            return null;
        }
        return new IndependentSeries(counts, fitted);
    }

    /// <summary>Returns the log-density of rows, or the log-probability of counts, in nats.</summary>
    /// <param name="rows">The rows, as [time, column].</param>
    public double LogLikelihood(ReadOnlySpan<double> rows)
    {
        double sum = 0;
        for (int i = 0; i < rows.Length; i++)
        {
            (double mean, double deviation) = _columns[i % _columns.Length];
            double z = (rows[i] - mean) / deviation;
            sum += _counts
                ? (rows[i] * Math.Log(mean)) - mean - SpecialFunctions.LogFactorial(rows[i])
                : (-0.5 * z * z) - Math.Log(deviation) - (0.5 * Math.Log(Math.Tau));
        }
        return sum;
    }
}
