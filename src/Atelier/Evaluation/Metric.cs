namespace Atelier.Evaluation;

/// <summary>A figure with a confidence interval.</summary>
/// <param name="Value">The figure.</param>
/// <param name="Low">The lower end of the central 95 %.</param>
/// <param name="High">The upper end.</param>
/// <param name="Unit">What it is counted in.</param>
public sealed record Metric(double Value, double Low, double High, string Unit);
