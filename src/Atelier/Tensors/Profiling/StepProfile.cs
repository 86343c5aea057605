using System.Diagnostics;
using Atelier.Formats;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tensors.Profiling;

/// <summary>
/// A profile of some of a session's steps: how long each named operation takes, forward and backward. Give it to
/// <see cref="Runs.Run.Profile"/> before learning. Used for one session only.
/// </summary>
public sealed class StepProfile
{
    private readonly List<(long Start, long End)> _steps = [];
    private readonly List<double> _plain = []; // milliseconds of the steps before, which are not profiled
    private OperationProfiler _profiler = new();
    private int _seen, _thread;
    private long _began;

    /// <summary>Plans a profile.</summary>
    /// <param name="from">The first step that is profiled, counted from the session's first, 1. Those before are
    /// warm-up.</param>
    /// <param name="steps">The number of steps, at least 1.</param>
    /// <exception cref="AtelierException">One of them is less than 1.</exception>
    public StepProfile(int from = 10, int steps = 20)
    {
        if (from < 1)
            throw new AtelierException($"there is no step {from}", Mention.Field("profileFrom"),
                "use 1 or more; 10 leaves steps for warming up");
        if (steps < 1)
            throw new AtelierException($"{steps} steps cannot be profiled", Mention.Field("profileSteps"),
                "use 1 or more");
        (From, Steps) = (from, steps);
    }

    /// <summary>The first step that is profiled, counted from the session's first.</summary>
    public int From { get; }

    /// <summary>The number of steps.</summary>
    public int Steps { get; }

    /// <summary>What was found; null until the steps are done.</summary>
    public ProfileReport? Report { get; private set; }

    /// <summary>Called when the steps are done.</summary>
    public Action? Taken { get; init; }

    /// <summary>Follows the calling thread, and those that it starts from now on, until disposed.</summary>
    internal IDisposable Follow(Device device)
    {
        if (device.type == DeviceType.CUDA)
        {
            _profiler = new OperationProfiler(() =>
            {
                cuda.synchronize();
                return Stopwatch.GetTimestamp();
            });
        }
        return _profiler.MakeCurrent();
    }

    /// <summary>Begins a step.</summary>
    internal void BeginStep()
    {
        _seen++;
        _thread = Environment.CurrentManagedThreadId;
        // one step more, in which .NET compiles what profiling needs
        _profiler.Record(Report is null && _seen >= From - 1);
        _began = Stopwatch.GetTimestamp();
    }

    /// <summary>Ends a step.</summary>
    /// <returns>Whether it was the last that is profiled.</returns>
    internal bool EndStep()
    {
        if (Report is not null)
            return false;
        long ended = Stopwatch.GetTimestamp();
        _profiler.Record(false);
        if (_seen >= From)
            _steps.Add((_began, ended));
        else if (_seen == From - 1)
            _profiler.Forget();
        else
            _plain.Add(Stopwatch.GetElapsedTime(_began, ended).TotalMilliseconds);
        return _steps.Count == Steps;
    }

    /// <summary>Counts what was recorded and writes trace.json, profile.json and profile.txt.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="itemsPerStep">Items that a step learns from.</param>
    /// <param name="itemUnit">What they are.</param>
    /// <returns>What was found; null where no step was profiled.</returns>
    internal ProfileReport? Take(string folder, long itemsPerStep, string itemUnit)
    {
        if (_steps.Count == 0)
            return null;
        // those long after the first, which compile and allocate
        double[] plain = [.. _plain.Skip(_plain.Count / 2).Order()];
        Report = ProfileCount.Of(_profiler.Tracks, _thread, _steps, From) with
        {
            ItemsPerStep = itemsPerStep,
            ItemUnit = itemUnit,
            PlainStepMilliseconds = plain.Length > 0 ? plain[plain.Length / 2] : null,
            TracePath = Path.Combine(folder, "trace.json"),
        };
        ChromeTrace.Write(Report.TracePath, _profiler.Tracks, _thread, _steps, From);
        AtomicFile.WriteText(Path.Combine(folder, "profile.json"), Report.ToJson());
        AtomicFile.WriteText(Path.Combine(folder, "profile.txt"), Report.ToText());
        Taken?.Invoke();
        return Report;
    }
}
