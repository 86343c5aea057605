using System.Globalization;

namespace Atelier.Evaluation;

/// <summary>A value with a confidence interval.</summary>
/// <param name="Value">The value.</param>
/// <param name="Low">The lower end of the 95 % interval.</param>
/// <param name="High">The upper end of the 95 % interval.</param>
/// <param name="Unit">The unit of the value.</param>
public sealed record Metric(double Value, double Low, double High, string Unit)
{
    /// <summary>Units of counts, which have no decimals.</summary>
    public const string Numbers = "numbers", Characters = "characters";

    /// <summary>Creates a metric without an interval.</summary>
    public static Metric Exact(double value, string unit) => new(value, value, value, unit);

    /// <summary>Returns e to this power, such as the perplexity of a cross-entropy.</summary>
    internal Metric Exponential(string unit) => new(Math.Exp(Value), Math.Exp(Low), Math.Exp(High), unit);

    /// <summary>
    /// Formats the value for people: with four decimals unless it is a count, and with the interval if there is one.
    /// </summary>
    public string ToText() => Unit is Numbers or Characters
        ? Value.ToString("#,0", CultureInfo.InvariantCulture)
        : Low == High ? Value.ToString("0.0000", CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{Value:0.0000} [{Low:0.0000}, {High:0.0000}]");
}
