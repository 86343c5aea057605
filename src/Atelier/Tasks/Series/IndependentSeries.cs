using Atelier.Evaluation;

namespace Atelier.Tasks.Series;

/// <summary>
/// The baseline for series: all rows and columns are independent. Each column has a distribution of the kind whose
/// likelihoods compare with those of the evaluated model: normal for numbers, Poisson for counts, categorical for
/// categories.
/// </summary>
internal sealed class IndependentSeries
{
    private readonly Func<double, double>[] _columns; // the log-likelihood of a value in each column

    private IndependentSeries(Func<double, double>[] columns, long parameters) =>
        (_columns, FreeParameters) = (columns, parameters);

    /// <summary>The number of free parameters.</summary>
    public long FreeParameters { get; }

    /// <summary>Fits the baseline to training series.</summary>
    /// <param name="training">The training series, each as [time, column].</param>
    /// <param name="columns">The names of the columns.</param>
    /// <param name="values">What the values are.</param>
    /// <param name="refusal">A sentence that says why the baseline is undefined; null if there is one, or no training
    /// data.</param>
    /// <returns>The baseline; null if it is undefined.</returns>
    public static IndependentSeries? Fit(IReadOnlyList<double[]> training, IReadOnlyList<string> columns,
        SeriesValues values, out string? refusal)
    {
        int width = columns.Count;
        double[] all = [.. training.SelectMany(s => s)];
        refusal = null;
        if (all.Length == 0)
            return null;
        double[][] each = [.. Enumerable.Range(0, width).Select(d => all.Where((_, i) => i % width == d).ToArray())];
        string[] constant = [.. columns.Where((_, d) => each[d].All(value => value == each[d][0]))];
        if (values == SeriesValues.Numbers && constant.Length > 0)
        {
            refusal = $"There is no baseline: {string.Join(", ", constant)} never changed in training, so that a "
                + $"normal density there has no bound and compares with nothing.";
            return null;
        }
        return values switch
        {
            SeriesValues.Numbers => new([.. each.Select(Normal)], 2L * width),
            SeriesValues.Counts => new([.. each.Select(Poisson)], width),
            _ => new([.. each.Select(Categorical)], each.Sum(one => (long)Categories(one) - 1)),
        };
    }

    /// <summary>Returns the log-density of rows, or the log-probability of counts or categories, in nats.</summary>
    /// <param name="rows">The rows, as [time, column].</param>
    public double LogLikelihood(ReadOnlySpan<double> rows)
    {
        double sum = 0;
        for (int i = 0; i < rows.Length; i++)
            sum += _columns[i % _columns.Length](rows[i]);
        return sum;
    }

    private static Func<double, double> Normal(double[] values)
    {
        double mean = values.Average(), deviation = Math.Sqrt(values.Average(v => (v - mean) * (v - mean)));
        double constant = -Math.Log(deviation) - (0.5 * Math.Log(Math.Tau));
        return value => constant - (0.5 * (value - mean) / deviation * (value - mean) / deviation);
    }

    private static Func<double, double> Poisson(double[] values)
    {
        // Jeffreys's prior adds half a count, so that after a column of zeros other counts are still possible.
        double mean = (values.Sum() + 0.5) / values.Length;
        return value => (value * Math.Log(mean)) - mean - SpecialFunctions.LogFactorial(value);
    }

    private static Func<double, double> Categorical(double[] values)
    {
        double[] logs = new double[Categories(values)];
        for (int category = 0; category < logs.Length; category++)
        {
            double count = values.Count(value => value == category) + 0.5; // Jeffreys's prior, as for counts
            logs[category] = Math.Log(count / (values.Length + (0.5 * logs.Length)));
        }
        return value => value >= 0 && value < logs.Length && value == Math.Floor(value) ? logs[(int)value]
            : double.NegativeInfinity;
    }

    // Two or more, as the hidden Markov model has them.
    private static int Categories(double[] values) => Math.Max(2, (int)values.Max() + 1);
}
