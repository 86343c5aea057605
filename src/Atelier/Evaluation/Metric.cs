using System.Globalization;

namespace Atelier.Evaluation;

/// <summary>A figure with a confidence interval.</summary>
/// <param name="Value">The figure.</param>
/// <param name="Low">The lower end of the central 95 %.</param>
/// <param name="High">The upper end.</param>
/// <param name="Unit">What it is counted in.</param>
public sealed record Metric(double Value, double Low, double High, string Unit)
{
    /// <summary>The unit of what is counted, which has no decimals.</summary>
    public const string Numbers = "numbers";

    /// <summary>
    /// The figure for people: four digits after the point unless it is a count, and the interval where there is one.
    /// </summary>
    public string ToText() => Unit == Numbers ? Value.ToString("#,0", CultureInfo.InvariantCulture)
        : Low == High ? Value.ToString("0.0000", CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{Value:0.0000} [{Low:0.0000}, {High:0.0000}]");
}
