using System.Runtime.ExceptionServices;
using Atelier.Tensors.Profiling;

namespace Atelier.Kernels;

/// <summary>
/// Threads that do one piece of work at a time together, the calling thread among them. They wait by spinning for a
/// moment before they sleep, since a training step's pieces follow one another within microseconds.
/// </summary>
internal sealed class WorkerTeam : IDisposable
{
    private const int Spins = 2_000, SpinLength = 20; // about a millisecond
    private readonly object _gate = new();
    private readonly Thread[] _threads;
    private readonly ExceptionDispatchInfo?[] _failures;
    private Action<int> _work = _ => { };
    private int _round, _remaining;
    private bool _stopped;

    /// <summary>Starts the threads.</summary>
    /// <param name="size">Members, the calling thread among them; from 1.</param>
    /// <param name="begin">What each other member does once at its start, on its own thread.</param>
    public WorkerTeam(int size, Action begin)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        Size = size;
        _failures = new ExceptionDispatchInfo?[size];
        _threads = [.. Enumerable.Range(1, size - 1)
            .Select(member =>
            new Thread(() => Serve(member, begin)) { IsBackground = true, Name = $"replica {member}" })];
        foreach (Thread thread in _threads)
            thread.Start();
    }

    /// <summary>How many members there are.</summary>
    public int Size { get; }

    /// <summary>
    /// Lets each member do its part at the same time, and waits for all; then throws what the first that failed threw.
    /// </summary>
    /// <param name="work">Given the member's number from 0, which is the calling thread.</param>
    public void Run(Action<int> work)
    {
        Array.Clear(_failures);
        (_work, _remaining) = (work, Size - 1);
        lock (_gate)
        {
            _round++;
            Monitor.PulseAll(_gate);
        }
        Do(0);
        using TimedOperation timed = Size > 1 ? TimedOperation.Begin("wait for other replicas") : default;
        for (int spins = 0; Volatile.Read(ref _remaining) > 0; spins++)
        {
            if (spins < Spins)
                Thread.SpinWait(SpinLength);
            else
                Thread.Yield(); // there may be fewer cores than members
        }
        Array.Find(_failures, failure => failure is not null)?.Throw();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stopped = true;
        Run(_ => { });
        foreach (Thread thread in _threads)
            thread.Join();
    }

    private void Serve(int member, Action begin)
    {
        begin();
        bool isLast = false;
        for (int seen = 0; !isLast; seen++)
        {
            for (int spins = 0; spins < Spins && Volatile.Read(ref _round) == seen; spins++)
                Thread.SpinWait(SpinLength);
            lock (_gate)
            {
                while (_round == seen)
                    Monitor.Wait(_gate);
            }
            // Known within the round: a member that looked between two rounds would miss the last, which waits for all.
            isLast = _stopped;
            Do(member);
            Interlocked.Decrement(ref _remaining);
        }
    }

    private void Do(int member)
    {
        try
        {
            _work(member);
        }
#pragma warning disable CA1031 // whatever it is, the calling thread throws it again
        catch (Exception e)
#pragma warning restore CA1031
        {
            _failures[member] = ExceptionDispatchInfo.Capture(e);
        }
    }
}
