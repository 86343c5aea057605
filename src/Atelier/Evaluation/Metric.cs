using System.Globalization;

namespace Atelier.Evaluation;

/// <summary>A value with a confidence interval.</summary>
/// <param name="Value">The value.</param>
/// <param name="Low">The lower end of the 95 % interval.</param>
/// <param name="High">The upper end.</param>
/// <param name="Unit">The unit.</param>
public sealed record Metric(double Value, double Low, double High, string Unit)
{
    /// <summary>The unit of counts, which have no decimals.</summary>
    public const string Numbers = "numbers";

    /// <summary>The value for people: four decimals unless it is a count, and the interval if there is one.</summary>
    public string ToText() => Unit == Numbers ? Value.ToString("#,0", CultureInfo.InvariantCulture)
        : Low == High ? Value.ToString("0.0000", CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{Value:0.0000} [{Low:0.0000}, {High:0.0000}]");
}
