namespace Atelier.Evaluation;

/// <summary>A picture of a report.</summary>
/// <param name="File">Its name in the run's folder plots/.</param>
/// <param name="Caption">What it shows, one sentence.</param>
public sealed record ReportImage(string File, string Caption);
