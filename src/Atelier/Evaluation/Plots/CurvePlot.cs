using Atelier.Formats;
using ScottPlot;
using ScottPlot.Plottables;

namespace Atelier.Evaluation.Plots;

/// <summary>Plots metrics over a positive number on a logarithmic axis, with their intervals.</summary>
internal static class CurvePlot
{
    private const double LeastRoom = 0.05; // between two ticks, as a share of the axis

    /// <summary>Saves a plot as PNG.</summary>
    /// <param name="path">The path of the PNG to write.</param>
    /// <param name="curves">The names of the curves, with their points in order.</param>
    /// <param name="xLabel">The label of the horizontal axis.</param>
    /// <param name="tick">Writes a number of the horizontal axis. A point's number has a tick unless another is
    /// near.</param>
    /// <param name="headline">The metric.</param>
    /// <param name="legend">Where the legend stands in the plot, where no curve can be; null puts it below.</param>
    /// <exception cref="AtelierException">The file cannot be written.</exception>
    public static void Save(string path,
        IReadOnlyList<(string Name, IReadOnlyList<(double X, Metric Y)> Points)> curves, string xLabel,
        Func<double, string> tick, Headline headline, Alignment? legend)
    {
        using var plot = new Plot();
        foreach ((string name, IReadOnlyList<(double X, Metric Y)> points) in curves)
        {
            double[] x = [.. points.Select(point => Math.Log10(point.X))];
            double[] y = [.. points.Select(point => point.Y.Value)];
            var line = plot.Add.Scatter(x, y);
            (line.LegendText, line.LineWidth, line.MarkerSize) = (name, 1.5f, 6);
            double[] below = [.. points.Select(point => point.Y.Value - point.Y.Low)];
            double[] above = [.. points.Select(point => point.Y.High - point.Y.Value)];
            plot.Add.Plottable(new ErrorBar(x, y, xErrorsPositive: null, xErrorsNegative: null, yErrorsPositive: above,
                yErrorsNegative: below) { Color = line.Color });
        }
        double[] all = [.. curves.SelectMany(curve => curve.Points).Select(point => point.X).Distinct().Order()];
        double room = LeastRoom * Math.Log10(all[^1] / all[0]); // so that labels do not touch
        var ticks = new List<double>();
        foreach (double x in all)
        {
            if (ticks.Count == 0 || Math.Log10(x / ticks[^1]) >= room)
                ticks.Add(x);
        }
        plot.Axes.Bottom.SetTicks([.. ticks.Select(Math.Log10)], [.. ticks.Select(tick)]);
        plot.XLabel(xLabel);
        plot.YLabel($"{headline.Metric} ({(headline.MoreIsBetter ? "more" : "less")} is better)");
        if (legend is { } place)
            plot.ShowLegend(place);
        else
            plot.ShowLegend(Edge.Bottom);
        int height = legend is null ? 540 : 440;
        AtomicFile.Write(path, stream => stream.Write(plot.GetImageBytes(720, height, ImageFormat.Png)));
    }
}
