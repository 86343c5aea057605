namespace Atelier.Kernels;

/// <summary>
/// Work that several workers do at once, each the part of its number, waiting for one another at barriers.
/// </summary>
internal interface IParallelWork
{
    /// <summary>Does one worker's part. It may not throw: the others would wait for ever.</summary>
    /// <param name="worker">From 0.</param>
    void Run(int worker);
}

/// <summary>
/// Threads that work together on one token after another. Between two tasks they spin for about 100 µs, the time that
/// choosing a token takes, then sleep until there is work: an idle pool takes no processor time.
/// </summary>
internal sealed class WorkerPool : IDisposable
{
    private const int LooksBeforeSleep = 4000; // a pause instruction takes some 40 ns
    // at a barrier the others are on their way, unless their processor was taken away
    private const int LooksBeforeYield = 20_000;
    private readonly Thread[] _threads;
    private readonly Sleeper[] _sleepers;
    private IParallelWork? _work;
    private volatile int _workNumber;
    private volatile bool _ending;
    private int _arrived;
    private volatile int _barrierNumber;

    /// <summary>Starts the threads; the caller of <see cref="Run"/> is worker 0.</summary>
    /// <param name="workers">From 1.</param>
    public WorkerPool(int workers)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(workers, 1);
        Workers = workers;
        _threads = new Thread[workers - 1];
        _sleepers = new Sleeper[workers - 1];
        for (int i = 0; i < _threads.Length; i++)
        {
            int worker = i + 1;
            _sleepers[i] = new Sleeper();
            _threads[i] = new Thread(() => Serve(worker)) { IsBackground = true, Name = $"Atelier worker {worker}" };
            _threads[i].Start();
        }
    }

    /// <summary>Workers.</summary>
    public int Workers { get; }

    /// <summary>Does a work with all workers; comes back when all are done. One thread at a time.</summary>
    public void Run(IParallelWork work)
    {
        _work = work;
        Interlocked.Increment(ref _workNumber);
        foreach (Sleeper sleeper in _sleepers)
            sleeper.Wake();
        work.Run(0);
        Barrier();
        _work = null;
    }

    /// <summary>Waits until every worker has come here.</summary>
    public void Barrier()
    {
        if (Workers == 1)
            return;
        int number = _barrierNumber;
        if (Interlocked.Increment(ref _arrived) == Workers)
        {
            _arrived = 0;
            _barrierNumber = number + 1; // lets the others go on
            return;
        }
        for (int looks = 0; _barrierNumber == number; looks++)
        {
            if (looks < LooksBeforeYield)
                Thread.SpinWait(1);
            else
                Thread.Yield();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_ending)
            return;
        _ending = true;
        Interlocked.Increment(ref _workNumber);
        foreach (Sleeper sleeper in _sleepers)
            sleeper.Wake();
        foreach (Thread thread in _threads)
            thread.Join();
        foreach (Sleeper sleeper in _sleepers)
            sleeper.Dispose();
    }

    private void Serve(int worker)
    {
        Sleeper sleeper = _sleepers[worker - 1];
        for (int done = 0; ; done++)
        {
            for (int looks = 0; _workNumber == done; looks++)
            {
                if (looks < LooksBeforeSleep)
                    Thread.SpinWait(1);
                else
                    sleeper.SleepWhile(this, done);
            }
            if (_ending)
                return;
            _work!.Run(worker);
            Barrier();
        }
    }

    /// <summary>Where one worker sleeps.</summary>
    private sealed class Sleeper : IDisposable
    {
        private readonly AutoResetEvent _event = new(false);
        private int _asleep;

        // Both sides write, then look at what the other wrote: one of them sees the other.
        public void SleepWhile(WorkerPool pool, int number)
        {
            Interlocked.Exchange(ref _asleep, 1);
            if (pool._workNumber == number)
                _event.WaitOne();
            else if (Interlocked.Exchange(ref _asleep, 0) == 0)
                _event.WaitOne(); // it is being woken
        }

        public void Wake()
        {
            if (Interlocked.Exchange(ref _asleep, 0) == 1)
                _event.Set();
        }

        public void Dispose() => _event.Dispose();
    }
}
