using System.Diagnostics;
using System.Globalization;
using ScottPlot;

namespace Atelier.Benchmarks;

/// <summary>Seconds over size, a curve for each work, on logarithmic axes.</summary>
/// <param name="size">What grows.</param>
internal sealed class Curves(string size)
{
    private const double LeastSeconds = 0.1;
    private const double WarmUpSeconds = 0.5;

    private readonly Dictionary<string, List<(double Size, double Seconds)>> _points = [];

    public void Measure<T>(string work, int at, Func<T> action)
    {
        var all = Stopwatch.StartNew();
        while (all.Elapsed.TotalSeconds < WarmUpSeconds) // until the fast code is compiled
            GC.KeepAlive(action());
        all.Restart();
        var times = new List<double>();
        while (times.Count == 0 || all.Elapsed.TotalSeconds < LeastSeconds)
        {
            var watch = Stopwatch.StartNew();
            GC.KeepAlive(action());
            times.Add(watch.Elapsed.TotalSeconds);
        }
        if (!_points.TryGetValue(work, out List<(double, double)>? points))
            _points[work] = points = [];
        points.Add((at, Comparison.Median(times)));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{work}, {at} {size}: {Comparison.Median(times):G3} s"));
    }

    public void Save(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        using var plot = new Plot();
        foreach ((string work, List<(double Size, double Seconds)> points) in _points)
        {
            var line = plot.Add.Scatter(points.Select(p => Math.Log10(p.Size)).ToArray(),
                points.Select(p => Math.Log10(p.Seconds)).ToArray());
            line.LegendText = work;
            line.LineWidth = 2;
            line.MarkerSize = 6;
        }
        plot.Axes.Bottom.TickGenerator = new ScottPlot.TickGenerators.NumericManual(
            [.. _points.Values.First()
                .Select(p => new Tick(Math.Log10(p.Size), p.Size.ToString("N0", CultureInfo.InvariantCulture)))]);
        plot.Axes.Left.TickGenerator =
            new ScottPlot.TickGenerators.NumericManual([.. Enumerable.Range(-6, 8)
            .Select(power => new Tick(power, Time(power)))]);
        plot.XLabel(size);
        plot.YLabel("time");
        plot.ShowLegend(Alignment.UpperLeft);
        plot.Axes.Margins(top: 0.35);
        plot.SavePng(path, 820, 520);
    }

    private static string Time(int power)
    {
        (int unit, string name) = power >= 0 ? (0, "s") : power >= -3 ? (-3, "ms") : (-6, "µs");
        return $"{Math.Pow(10, power - unit).ToString("N0", CultureInfo.InvariantCulture)} {name}";
    }
}
