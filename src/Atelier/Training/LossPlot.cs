using System.Globalization;
using Atelier.Formats;
using ScottPlot;

namespace Atelier.Training;

/// <summary>Plots the losses of a run over its steps.</summary>
internal static class LossPlot
{
    /// <summary>
    /// Saves a plot of the training and validation loss, with a dashed line for each reference value, as PNG.
    /// </summary>
    /// <param name="path">The path of the PNG to write.</param>
    /// <param name="training">The training loss by step.</param>
    /// <param name="validation">The validation loss by step.</param>
    /// <param name="references">The reference values of the loss, by name.</param>
    public static void Save(
        string path,
        IReadOnlyList<(long Step, double Value)> training,
        IReadOnlyList<(long Step, double Value)> validation,
        IReadOnlyDictionary<string, double> references)
    {
        using var plot = new Plot();
        Add(plot, "training", training, markers: 0);
        Add(plot, "validation", validation, markers: 6);
        foreach ((string name, double value) in references)
        {
            var line = plot.Add.HorizontalLine(value, 1.5f, pattern: LinePattern.Dashed);
            line.LegendText = string.Create(CultureInfo.InvariantCulture, $"{name} {value:0.###}");
        }
        plot.XLabel("step");
        plot.YLabel("loss");
        plot.ShowLegend(Alignment.UpperRight);
        AtomicFile.Write(path, stream => stream.Write(plot.GetImageBytes(900, 560, ImageFormat.Png)));
    }

    private static void Add(Plot plot, string name, IReadOnlyList<(long Step, double Value)> points, float markers)
    {
        if (points.Count == 0)
            return;
        var line = plot.Add.Scatter(points.Select(p => (double)p.Step).ToArray(),
            points.Select(p => p.Value).ToArray());
        line.LegendText = name;
        line.LineWidth = 1.5f;
        line.MarkerSize = points.Count == 1 ? 6 : markers;
    }
}
