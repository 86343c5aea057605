using System.Globalization;
using System.Text;

namespace Atelier.Evaluation;

/// <summary>
/// A section of an evaluation report: the figures, images and samples of one subject, which its task chooses.
/// </summary>
/// <param name="Title">The heading.</param>
public sealed record ReportSection(string Title)
{
    /// <summary>Figures by name.</summary>
    public IReadOnlyDictionary<string, Metric> Figures { get; init; } = new Dictionary<string, Metric>();

    /// <summary>Remarks, one sentence each.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Images with their captions.</summary>
    public IReadOnlyList<ReportImage> Images { get; init; } = [];

    /// <summary>Samples of the model, as text.</summary>
    public IReadOnlyList<string> Samples { get; init; } = [];

    /// <summary>Appends the section as Markdown.</summary>
    internal void AppendTo(StringBuilder text)
    {
        CultureInfo invariant = CultureInfo.InvariantCulture;
        text.Append(invariant, $"\n## {Title}\n");
        if (Figures.Count > 0)
        {
            text.Append("| figure | value |\n|---|---|\n");
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
