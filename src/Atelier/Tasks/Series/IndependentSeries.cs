using Atelier.Evaluation;

namespace Atelier.Tasks.Series;

/// <summary>
/// The baseline of series: independent rows and columns. The distribution is Poisson for models that return
/// probabilities of counts and normal for models that return densities, so that like is compared with like.
/// </summary>
internal sealed class IndependentSeries
{
    private readonly bool _counts;
    private readonly (double Mean, double Deviation)[] _columns;

    private IndependentSeries(bool counts, (double Mean, double Deviation)[] columns) =>
        (_counts, _columns) = (counts, columns);

    /// <summary>The numbers it is free to choose.</summary>
    public long FreeParameters => _columns.Length * (_counts ? 1L : 2L);

    /// <summary>Counts rows.</summary>
    /// <param name="training">What to learn from: each [time, column].</param>
    /// <param name="columns">The columns' names.</param>
    /// <param name="counts">Whether columns are counts.</param>
    /// <param name="refusal">Why there is no such baseline, one sentence; null where there is.</param>
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
            // Jeffreys's prior adds half a count, so that a column of zeros leaves others possible.
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

    /// <summary>The log-probability, or log-density, of rows.</summary>
    /// <param name="rows">[time, column].</param>
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
