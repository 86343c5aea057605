using System.Diagnostics;

namespace Atelier.Models.BayesianNetwork;

/// <summary>Tells of work that takes long, once every few seconds however often it is asked to.</summary>
/// <param name="progress">Receives the reports; may be null.</param>
internal sealed class SteadyProgress(Action<string>? progress)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private readonly Stopwatch _watch = Stopwatch.StartNew();

    public void Report(Func<string> line)
    {
        if (progress is null || _watch.Elapsed < Interval)
            return;
        _watch.Restart();
        progress(line());
    }
}
