using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace Atelier.Tensors.Profiling;

/// <summary>
/// Measures the time of named operations, on the thread on which it was made current and on all threads that this one
/// then starts.
/// </summary>
internal sealed class OperationProfiler
{
    private static readonly AsyncLocal<OperationProfiler?> Ambient = new();
    private readonly ConcurrentDictionary<int, OperationTrack> _tracks = [];
    private readonly Func<long> _clock;
    private volatile bool _recording;

    /// <summary>Creates a profiler that does not record yet.</summary>
    /// <param name="clock">Returns the current time stamp; null takes that of <see cref="Stopwatch"/>. For a device
    /// that works asynchronously, it should wait for the device first.</param>
    public OperationProfiler(Func<long>? clock = null) => _clock = clock ?? Stopwatch.GetTimestamp;

    /// <summary>The profiler that records on the calling thread; null if none does.</summary>
    public static OperationProfiler? Current => Ambient.Value is { _recording: true } profiler ? profiler : null;

    /// <summary>The operations of each thread.</summary>
    public IReadOnlyCollection<OperationTrack> Tracks => [.. _tracks.Values];

    /// <summary>The operations of the calling thread.</summary>
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

    /// <summary>Starts or stops recording.</summary>
    public void Record(bool recording) => _recording = recording;

    /// <summary>Discards all recorded calls, including those that have not ended.</summary>
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
