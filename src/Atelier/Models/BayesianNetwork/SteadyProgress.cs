using System.Diagnostics;

namespace Atelier.Models.BayesianNetwork;

/// <summary>Limits the progress reports of long operations to one every two seconds.</summary>
/// <param name="progress">Receives the reports; may be null.</param>
internal sealed class SteadyProgress(Action<string>? progress)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private readonly Stopwatch _watch = Stopwatch.StartNew();

    /// <summary>Reports a line, unless the last report was less than two seconds ago.</summary>
    public void Report(Func<string> line)
    {
        if (progress is null || _watch.Elapsed < Interval)
            return;
        _watch.Restart();
        progress(line());
    }
}
