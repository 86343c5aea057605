namespace Atelier.Evaluation;

/// <summary>An image of a report.</summary>
/// <param name="File">The name of its file in the run's folder plots/.</param>
/// <param name="Caption">A caption of one sentence.</param>
public sealed record ReportImage(string File, string Caption);
