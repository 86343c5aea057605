using System.Globalization;
using Atelier.Formats;
using ScottPlot;

namespace Atelier.Evaluation;

/// <summary>Plots the headline metric of a model and of its baselines.</summary>
internal static class EvaluationPlot
{
    /// <summary>
    /// Saves a bar chart of the headline metric of a model and of its baselines, with confidence intervals, as PNG.
    /// </summary>
    public static void Save(string path, EvaluationReport report)
    {
        string name = report.Headline.Metric;
        (string Name, Metric Metric)[] bars =
        [
            ("model", report.Metrics[name]),
            .. report.Baselines.Where(b => b.Value.ContainsKey(name)).Select(b => (b.Key, b.Value[name])),
        ];
        using var plot = new Plot();
        bool down = bars.All(bar => bar.Metric.Value < 0); // bars of log-likelihoods extend below zero
        for (int i = 0; i < bars.Length; i++)
        {
            Metric metric = bars[i].Metric;
            double error = (metric.High - metric.Low) / 2;
            plot.Add.Bar(new Bar
            {
                Position = i,
                Value = metric.Value,
                Error = error,
                Size = 0.6,
                FillColor = i == 0 ? Colors.C0 : Colors.Gray.WithAlpha(0.6),
            });
            // after the interval, so that its lines do not cross the number
            double end = metric.Value + (down ? -error : error);
            ScottPlot.Plottables.Text label =
                plot.Add.Text(metric.Value.ToString("0.000", CultureInfo.InvariantCulture), i, end);
            label.LabelAlignment = down ? Alignment.UpperCenter : Alignment.LowerCenter;
            label.LabelFontColor = Colors.Black;
        }
        plot.Axes.Bottom.SetTicks([.. bars.Select((_, i) => (double)i)], [.. bars.Select(b => b.Name)]);
        plot.Axes.Bottom.MajorTickStyle.Length = 0;
        plot.Axes.Margins(bottom: down ? 0.2 : 0, top: down ? 0 : 0.2);
        plot.YLabel($"{report.Headline.Unit} ({(report.Headline.MoreIsBetter ? "more" : "less")} is better)");
        plot.HideGrid();
        AtomicFile.Write(path, stream => stream.Write(plot.GetImageBytes(720, 440, ImageFormat.Png)));
    }
}
