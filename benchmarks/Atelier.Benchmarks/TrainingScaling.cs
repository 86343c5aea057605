using System.Globalization;
using ScottPlot;

namespace Atelier.Benchmarks;

/// <summary>
/// How fast a GPT learns as it grows wider and deeper, its context longer and its batch larger, beside PyTorch's best.
/// </summary>
internal static class TrainingScaling
{
    private const int Layers = 4, Width = 128, Context = 64, Batch = 12; // nanoGPT's CPU setting, where all curves meet

    private static readonly (string Name, int Usual, int[] Sizes, Func<int, Comparison> At)[] Axes =
    [
        ("width", Width, [64, 128, 256, 512], size => Point(Layers, size, Context, Batch)),
        ("layers", Layers, [2, 4, 8], size => Point(size, Width, Context, Batch)),
        ("context", Context, [64, 128, 256], size => Point(Layers, Width, size, Batch)),
        ("batch", Batch, [3, 12, 48], size => Point(Layers, Width, Context, size)),
    ];

    /// <summary>A comparison for each point, which a process of its own takes by name.</summary>
    public static IEnumerable<Comparison> All =>
        Axes.SelectMany(axis => axis.Sizes.Select(axis.At)).DistinctBy(point => point.Name);

    /// <summary>
    /// Measures each point, prints a line for it, and draws train-scaling.png into the folder. Points that this build
    /// measured before are kept.
    /// </summary>
    /// <param name="folder">Takes the picture.</param>
    /// <param name="rounds">How often each point is measured; medians count.</param>
    public static void Draw(string folder, int rounds)
    {
        Directory.CreateDirectory(folder);
        var speeds = new KeptSpeeds();
        for (int round = 1; round <= rounds; round++)
        {
            foreach (Comparison point in All)
                speeds.Measure(point, round);
        }
        var figure = new Multiplot();
        figure.AddPlots(Axes.Length);
        for (int i = 0; i < Axes.Length; i++)
        {
            (string name, int usual, int[] sizes, Func<int, Comparison> at) = Axes[i];
            (double Ours, double Peer)[] points = [.. sizes.Select(size => speeds.Of(at(size)))];
            foreach ((int size, (double ours, double peer)) in sizes.Zip(points))
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{name} {size}: ours {ours:N0} tokens/s, PyTorch {peer:N0}, ratio {ours / peer:0.00}"));
            Plot plot = figure.GetPlot(i);
            Add(plot, "ours", sizes, points.Select(p => p.Ours));
            Add(plot, "PyTorch's best", sizes, points.Select(p => p.Peer));
            plot.Axes.Bottom.TickGenerator = new ScottPlot.TickGenerators.NumericManual(
                [.. sizes.Select(s => new Tick(Math.Log2(s), s.ToString(CultureInfo.InvariantCulture)))]);
            plot.XLabel(name);
            plot.YLabel("thousand tokens/s");
            plot.Axes.SetLimitsY(0, points.Max(p => Math.Max(p.Ours, p.Peer)) / 1000 * 1.15);
            plot.ShowLegend(i < 2 ? Alignment.UpperRight : Alignment.LowerRight); // where the curves leave room
            plot.Title($"{name}, in the other pictures {usual}");
        }
        figure.Layout = new ScottPlot.MultiplotLayouts.Grid(rows: 2, columns: 2);
        figure.SavePng(Path.Combine(folder, "train-scaling.png"), 1000, 720);
    }

    private static Comparison Point(int layers, int width, int context, int batch)
    {
        double flops = TrainingComparisons.GptFlops(layers, width, context);
        // several seconds, most of them after .NET has compiled
        int steps = (int)Math.Clamp(2e12 / (flops * context * batch), 24, 800);
        return TrainingComparisons.Gpt($"scaling-{layers}-{width}-{context}-{batch}", layers, heads: 4, width, context,
            batch, steps);
    }

    private static void Add(Plot plot, string name, int[] sizes, IEnumerable<double> speeds)
    {
        var line = plot.Add.Scatter(sizes.Select(s => Math.Log2(s)).ToArray(), speeds.Select(s => s / 1000).ToArray());
        line.LegendText = name;
        line.LineWidth = 2;
        line.MarkerSize = 7;
    }
}
