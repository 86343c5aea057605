namespace Atelier.Server.Serving;

/// <summary>
/// The slots of a model, one for each sample that is generated at the same time, and the requests that wait for them in
/// the order in which they came. Safe for concurrent use.
/// </summary>
/// <param name="slots">The number of slots.</param>
/// <param name="length">The number of requests that may wait.</param>
internal sealed class RequestQueue(int slots, int length)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<Waiting> _waiting = new();
    private int _used;
    private double _meanSeconds = 1; // that a request holds its slots, a moving average

    /// <summary>The number of slots.</summary>
    public int Slots => slots;

    /// <summary>The number of slots in use.</summary>
    public int Running
    {
        get
        {
            lock (_gate)
                return _used;
        }
    }

    /// <summary>The number of requests that wait.</summary>
    public int Length
    {
        get
        {
            lock (_gate)
                return _waiting.Count;
        }
    }

    /// <summary>Waits for slots.</summary>
    /// <param name="count">The number of slots; a request for more than there are takes all of them.</param>
    /// <param name="cancellation">Ends the wait, and gives the place to the next request at once.</param>
    /// <returns>The slots, which are free again when it is disposed.</returns>
    /// <exception cref="QueueFullException">Too many requests wait.</exception>
    public async ValueTask<IDisposable> EnterAsync(int count, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        count = Math.Min(count, slots);
        LinkedListNode<Waiting> place;
        lock (_gate)
        {
            if (_waiting.Count == 0 && slots - _used >= count)
            {
                _used += count;
                return new Held(this, count);
            }
            if (_waiting.Count >= length)
                throw new QueueFullException(length, RetryAfter());
            place = _waiting.AddLast(new Waiting(count));
        }
        using CancellationTokenRegistration registration = cancellation.Register(() => Cancel(place, cancellation));
        await place.Value.Task.ConfigureAwait(false);
        return new Held(this, count);
    }

    private void Cancel(LinkedListNode<Waiting> place, CancellationToken cancellation)
    {
        lock (_gate)
        {
            if (place.List is null)
                return; // it has its slots
            _waiting.Remove(place);
            Admit(); // the next one may need fewer
        }
        place.Value.TrySetCanceled(cancellation);
    }

    private void Release(int count, double seconds)
    {
        const double newest = 0.1; // of the moving average
        lock (_gate)
        {
            _used -= count;
            _meanSeconds += newest * (seconds - _meanSeconds);
            Admit();
        }
    }

    /// <summary>Gives free slots to the requests that wait, in their order.</summary>
    private void Admit()
    {
        while (_waiting.First is { } first && first.Value.Count <= slots - _used)
        {
            _used += first.Value.Count;
            _waiting.RemoveFirst();
            first.Value.SetResult();
        }
    }

    /// <summary>The seconds until the present queue has been served, as far as can be expected.</summary>
    private TimeSpan RetryAfter() =>
        TimeSpan.FromSeconds(Math.Ceiling(Math.Clamp(_meanSeconds * (length + 1) / slots, 1, 600)));

    private sealed class Waiting(int count) : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public int Count => count;
    }

    private sealed class Held(RequestQueue queue, int count) : IDisposable
    {
        private readonly long _began = System.Diagnostics.Stopwatch.GetTimestamp();
        private int _isReturned;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isReturned, 1) == 0)
                queue.Release(count, System.Diagnostics.Stopwatch.GetElapsedTime(_began).TotalSeconds);
        }
    }
}

/// <summary>A request came while as many as may wait were waiting.</summary>
/// <param name="length">The number of requests that wait.</param>
/// <param name="retryAfter">When it is worth trying again.</param>
internal sealed class QueueFullException(int length, TimeSpan retryAfter)
    : Exception($"{length} requests are waiting for this model already")
{
    /// <summary>When it is worth trying again.</summary>
    public TimeSpan RetryAfter => retryAfter;
}
