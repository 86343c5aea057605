using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace Atelier.Tensors.Profiling;

/// <summary>
/// Times named operations on every thread that works for it: the one it was made current on, and those that this one
/// then starts.
/// </summary>
internal sealed class OperationProfiler
{
    private static readonly AsyncLocal<OperationProfiler?> Ambient = new();
    private readonly ConcurrentDictionary<int, OperationTrack> _tracks = [];
    private readonly Func<long> _clock;
    private volatile bool _recording;

    /// <summary>Makes a profiler that does not record yet.</summary>
    /// <param name="clock">The present time stamp; null takes the stopwatch's. Where a device works asynchronously, it
    /// waits for the device first.</param>
    public OperationProfiler(Func<long>? clock = null) => _clock = clock ?? Stopwatch.GetTimestamp;

    /// <summary>The profiler that records on this thread; null where none does.</summary>
    public static OperationProfiler? Current => Ambient.Value is { _recording: true } profiler ? profiler : null;

    /// <summary>The threads that worked for it.</summary>
    public IReadOnlyCollection<OperationTrack> Tracks => [.. _tracks.Values];

    /// <summary>What the calling thread does.</summary>
    public OperationTrack Track => _tracks.GetOrAdd(Environment.CurrentManagedThreadId,
        (thread, clock) => new OperationTrack(thread,
            Thread.CurrentThread.Name ?? string.Create(CultureInfo.InvariantCulture, $"thread {thread}"), clock),
                _clock);

    /// <summary>
    /// Makes this the profiler of the calling thread and of the threads that it starts from now on, until disposed.
    /// </summary>
    public IDisposable MakeCurrent()
    {
        OperationProfiler? before = Ambient.Value;
        Ambient.Value = this;
        return new Restoration(() => Ambient.Value = before);
    }

    /// <summary>Records from now on, or no longer.</summary>
    public void Record(bool recording) => _recording = recording;

    /// <summary>Discards the recorded calls; those that have not ended are not reported.</summary>
    public void Forget() => _tracks.Clear();

    /// <summary>Begins an operation on the calling thread.</summary>
    public OperationCall Begin(string name)
    {
        OperationTrack track = Track;
        var call = new OperationCall(this, name, track.Innermost);
        track.Begin(call, OperationPhase.Forward);
        return call;
    }
}
