namespace Atelier.Abstractions;

/// <summary>A range of time.</summary>
/// <param name="Start">Where it begins, in seconds.</param>
/// <param name="End">Where it ends, in seconds.</param>
public sealed record TimeRange(double Start, double End);
