using System.Globalization;
using Atelier.Formats;
using ScottPlot;

namespace Atelier.Evaluation;

/// <summary>Cross-entropies beside one another, as a picture.</summary>
internal static class EvaluationPlot
{
    private const string Figure = "crossEntropyPerCharacter";

    /// <summary>Draws the model's cross-entropy per character and its baselines', with their intervals.</summary>
    public static void Save(string path, EvaluationReport report)
    {
        (string Name, Metric Metric)[] bars =
        [
            ("model", report.Metrics[Figure]),
            .. report.Baselines.Where(b => b.Value.ContainsKey(Figure)).Select(b => (b.Key, b.Value[Figure])),
        ];
        using var plot = new Plot();
        for (int i = 0; i < bars.Length; i++)
        {
            Metric metric = bars[i].Metric;
            plot.Add.Bar(new Bar
            {
                Position = i,
                Value = metric.Value,
                Error = (metric.High - metric.Low) / 2,
                Size = 0.6,
                FillColor = i == 0 ? Colors.C0 : Colors.Gray.WithAlpha(0.6),
                Label = metric.Value.ToString("0.000", CultureInfo.InvariantCulture),
            });
        }
        plot.Axes.Bottom.SetTicks([.. bars.Select((_, i) => (double)i)], [.. bars.Select(b => b.Name)]);
        plot.Axes.Bottom.MajorTickStyle.Length = 0;
        plot.Axes.Margins(bottom: 0, top: 0.2);
        plot.YLabel("nats per character (less is better)");
        plot.HideGrid();
        AtomicFile.Write(path, stream => stream.Write(plot.GetImageBytes(720, 440, ImageFormat.Png)));
    }
}
