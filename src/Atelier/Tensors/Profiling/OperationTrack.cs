namespace Atelier.Tensors.Profiling;

/// <summary>The operations of one thread: open ones, nested in one another, and completed ones.</summary>
/// <param name="thread">Its managed number.</param>
/// <param name="name">Its name, as a trace is to show it.</param>
/// <param name="clock">The time stamp now.</param>
internal sealed class OperationTrack(int thread, string name, Func<long> clock)
{
    private readonly Lock _lock = new();
    private readonly Stack<(OperationCall Call, OperationPhase Phase, long Start)> _open = [];
    private readonly List<OperationEvent> _done = [];

    /// <summary>The thread's managed number.</summary>
    public int Thread => thread;

    /// <summary>The thread's name.</summary>
    public string Name => name;

    /// <summary>The innermost open call, or null.</summary>
    public OperationCall? Innermost => _open.Count > 0 ? _open.Peek().Call : null;

    /// <summary>The operations done so far, in the order in which they ended.</summary>
    public OperationEvent[] Events()
    {
        lock (_lock)
            return [.. _done];
    }

    /// <summary>Begins an operation now.</summary>
    public void Begin(OperationCall call, OperationPhase phase)
    {
        lock (_lock)
        {
            long now = clock();
            // An operation whose inputs need no gradients is not told of its end backward: it ends where another begins
            // that it does not lie around.
            while (_open.TryPeek(out var top) && top.Phase == OperationPhase.Backward && !IsAround(top.Call, call))
                Close(now);
            _open.Push((call, phase, now));
        }
    }

    /// <summary>Ends an operation and those still open within it; does nothing if it is not open.</summary>
    public void End(OperationCall call, OperationPhase phase)
    {
        lock (_lock)
        {
            if (!_open.Any(open => open.Call == call && open.Phase == phase))
                return;
            long now = clock();
            while (_open.Peek() is var top && !(top.Call == call && top.Phase == phase))
                Close(now);
            Close(now);
        }
    }

    private void Close(long now)
    {
        (OperationCall call, OperationPhase phase, long start) = _open.Pop();
        _done.Add(new OperationEvent(call.Path, phase, thread, start, now, _open.Count));
    }

    private static bool IsAround(OperationCall outer, OperationCall? inner)
    {
        for (inner = inner?.Parent; inner is not null; inner = inner.Parent)
        {
            if (inner == outer)
                return true;
        }
        return false;
    }
}
