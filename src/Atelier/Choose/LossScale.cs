using Atelier.Evaluation;

namespace Atelier.Choose;

/// <summary>
/// Turns a metric into a loss, which is lower for better models and above 0, and back: curves are fitted to losses.
/// </summary>
/// <param name="Ceiling">The best value of a metric of which more is better; null where less is better.</param>
/// <param name="Loss">The loss.</param>
internal readonly record struct LossScale(double? Ceiling, double Loss)
{
    private const double Least = 1e-6;

    /// <summary>Returns the loss of a value.</summary>
    /// <param name="headline">The metric.</param>
    /// <param name="value">The value.</param>
    public static LossScale Of(Headline headline, double value)
    {
        if (!headline.MoreIsBetter)
            return new(null, Math.Max(Least, value));
        // log-likelihoods have no bound that all share, shares ("of the class asked for") are at most 1, and BLEU and
        // decibels at most 100
        if (headline.Metric.Contains("ogLikelihood", StringComparison.Ordinal))
            return new(0, -value);
        double ceiling = headline.Unit.StartsWith("of ", StringComparison.Ordinal) ? 1 : 100;
        return new(ceiling, Math.Max(Least, ceiling - value));
    }

    /// <summary>Returns the value of another loss of the same metric.</summary>
    public double Value(double loss) => Ceiling is { } top ? top - loss : loss;

    /// <summary>Returns the metric of a forecast.</summary>
    public Metric ToMetric(ForecastLoss loss, string unit) => Ceiling is null
        ? new(loss.Median, loss.Low, loss.High, unit)
        : new(Value(loss.Median), Value(loss.High), Value(loss.Low), unit);
}
