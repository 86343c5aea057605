using System.Globalization;
using System.Text;

namespace Atelier.Evaluation;

/// <summary>
/// A section of an evaluation report: the metrics, images and samples of one topic. The task chooses the sections.
/// </summary>
/// <param name="Title">The heading of the section.</param>
public sealed record ReportSection(string Title)
{
    /// <summary>The metrics by name.</summary>
    public IReadOnlyDictionary<string, Metric> Figures { get; init; } = new Dictionary<string, Metric>();

    /// <summary>Notes for the reader, one sentence each.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>The images with their captions.</summary>
    public IReadOnlyList<ReportImage> Images { get; init; } = [];

    /// <summary>Generated samples, as text.</summary>
    public IReadOnlyList<string> Samples { get; init; } = [];

    /// <summary>Appends the section as Markdown.</summary>
    internal void AppendTo(StringBuilder text)
    {
        CultureInfo invariant = CultureInfo.InvariantCulture;
        text.Append(invariant, $"\n## {Title}\n");
        if (Figures.Count > 0)
        {
            text.Append("\n| figure | value |\n|---|---|\n");
            foreach ((string name, Metric metric) in Figures)
                text.Append(invariant, $"| {name} ({metric.Unit}) | {metric.ToText()} |\n");
        }
        if (Notes.Count > 0)
            text.Append('\n').AppendJoin('\n', Notes.Select(note => $"- {note}")).Append('\n');
        foreach (ReportImage image in Images)
            text.Append(invariant, $"\n![{image.Caption}](plots/{image.File})\n\n{image.Caption}\n");
        foreach (string sample in Samples)
            text.Append(invariant, $"\n```text\n{sample.Replace("```", "'''", StringComparison.Ordinal)}\n```\n");
    }
}
