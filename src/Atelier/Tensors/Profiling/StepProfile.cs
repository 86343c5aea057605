using System.Diagnostics;
using Atelier.Formats;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tensors.Profiling;

/// <summary>
/// Profiles some steps of a training session: the time that each named operation takes in its forward and backward
/// pass. Assign it to <see cref="Runs.Run.Profile"/> before training. Each instance serves one session.
/// </summary>
public sealed class StepProfile
{
    private readonly List<(long Start, long End)> _steps = [];
    private readonly List<double> _plain = []; // milliseconds of the earlier steps, which are not profiled
    private OperationProfiler _profiler = new();
    private int _seen, _thread;
    private long _began;

    /// <summary>Plans a profile.</summary>
    /// <param name="from">The first step to profile, counted from 1 at the session's first step. Earlier steps are
    /// warm-up.</param>
    /// <param name="steps">The number of steps to profile, at least 1.</param>
    /// <exception cref="AtelierException">One of the arguments is less than 1.</exception>
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

    /// <summary>The first step to profile, counted from 1 at the session's first step.</summary>
    public int From { get; }

    /// <summary>The number of steps to profile.</summary>
    public int Steps { get; }

    /// <summary>The report; null until the profiled steps are complete.</summary>
    public ProfileReport? Report { get; private set; }

    /// <summary>Called when the report is available.</summary>
    public Action? Taken { get; init; }

    /// <summary>
    /// Profiles the calling thread and the threads that it starts from now on, until the result is disposed.
    /// </summary>
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
        // One step before the first is recorded too and then discarded: in it .NET compiles the profiling code.
        _profiler.Record(Report is null && _seen >= From - 1);
        _began = Stopwatch.GetTimestamp();
    }

    /// <summary>Ends a step.</summary>
    /// <returns>Whether it was the last step to profile.</returns>
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

    /// <summary>Creates the report, and writes trace.json, profile.json and profile.txt.</summary>
    /// <param name="folder">The folder of the files.</param>
    /// <param name="itemsPerStep">The number of items that a step trains on.</param>
    /// <param name="itemUnit">The name of the items.</param>
    /// <returns>The report; null if no step was profiled.</returns>
    internal ProfileReport? Take(string folder, long itemsPerStep, string itemUnit)
    {
        if (_steps.Count == 0)
            return null;
        // The later half: the first steps include compilation and allocation.
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
