namespace Atelier.Kernels;

/// <summary>
/// Work that several workers do in parallel. Each does the part of its number; they synchronise at barriers.
/// </summary>
internal interface IParallelWork
{
    /// <summary>
    /// Does the part of one worker. It must not throw, since the other workers would then wait forever.
    /// </summary>
    /// <param name="worker">The number of the worker, from 0.</param>
    void Run(int worker);
}

/// <summary>
/// A pool of threads that work together on short tasks, such as the steps of a model. Between two tasks the threads
/// spin for about 100 µs, the time that choosing a token takes, then sleep until there is work, so that an idle pool
/// takes no processor time.
/// </summary>
internal sealed class WorkerPool : IDisposable
{
    private const int SpinsBeforeSleep = 4000; // a pause instruction takes about 40 ns
    // The others arrive at a barrier soon, unless the operating system has suspended them.
    private const int SpinsBeforeYield = 20_000;
    private readonly Thread[] _threads;
    private readonly Sleeper[] _sleepers;
    private IParallelWork? _work;
    private volatile int _workNumber;
    private volatile bool _ending;
    private int _arrived;
    private volatile int _barrierNumber;

    /// <summary>Starts the threads; the caller of <see cref="Run"/> is worker 0.</summary>
    /// <param name="workers">Number of workers, at least 1.</param>
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

    /// <summary>Number of workers.</summary>
    public int Workers { get; }

    /// <summary>Runs a task on all workers and returns when all are done. Not safe for concurrent use.</summary>
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

    /// <summary>Waits until all workers have arrived at the barrier.</summary>
    public void Barrier()
    {
        if (Workers == 1)
            return;
        int number = _barrierNumber;
        if (Interlocked.Increment(ref _arrived) == Workers)
        {
            _arrived = 0;
            _barrierNumber = number + 1; // releases the others
            return;
        }
        for (int spins = 0; _barrierNumber == number; spins++)
        {
            if (spins < SpinsBeforeYield)
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
            for (int spins = 0; _workNumber == done; spins++)
            {
                if (spins < SpinsBeforeSleep)
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

    /// <summary>Lets one worker sleep and be woken.</summary>
    private sealed class Sleeper : IDisposable
    {
        private readonly AutoResetEvent _event = new(false);
        private int _asleep;

        // Each side writes its flag, then reads the other's, so at least one of them sees the other's write.
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
