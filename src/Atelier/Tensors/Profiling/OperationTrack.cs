namespace Atelier.Tensors.Profiling;

/// <summary>The operations of one thread: the nested open ones, and the completed ones.</summary>
/// <param name="thread">The managed id of the thread.</param>
/// <param name="name">The name of the thread in traces.</param>
/// <param name="clock">Returns the current time stamp.</param>
internal sealed class OperationTrack(int thread, string name, Func<long> clock)
{
    private readonly Lock _lock = new();
    private readonly Stack<(OperationCall Call, OperationPhase Phase, long Start)> _open = [];
    private readonly List<OperationEvent> _done = [];

    /// <summary>The managed id of the thread.</summary>
    public int Thread => thread;

    /// <summary>The name of the thread in traces.</summary>
    public string Name => name;

    /// <summary>The innermost open call; null if none is open.</summary>
    public OperationCall? Innermost => _open.Count > 0 ? _open.Peek().Call : null;

    /// <summary>Returns the operations completed so far, in the order in which they ended.</summary>
    public OperationEvent[] Events()
    {
        lock (_lock)
            return [.. _done];
    }

    /// <summary>Begins a pass of an operation.</summary>
    public void Begin(OperationCall call, OperationPhase phase)
    {
        lock (_lock)
        {
            long now = clock();
            // The end of the backward pass is not notified for an operation whose inputs need no gradients: it ends
            // when an operation begins that it does not enclose.
            while (_open.TryPeek(out var top) && top.Phase == OperationPhase.Backward && !IsAround(top.Call, call))
                Close(now);
            _open.Push((call, phase, now));
        }
    }

    /// <summary>
    /// Ends a pass of an operation and all that are still open within it. Does nothing if the pass is not open.
    /// </summary>
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
