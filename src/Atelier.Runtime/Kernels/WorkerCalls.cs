using System.Runtime.ExceptionServices;

namespace Atelier.Kernels;

/// <summary>Calls of a function that the workers of a pool take one after another.</summary>
/// <param name="count">Number of calls.</param>
/// <param name="call">The function, which receives the index of the call.</param>
internal sealed class WorkerCalls(int count, Action<int> call) : IParallelWork
{
    private int _taken;
    private ExceptionDispatchInfo? _error;

    /// <inheritdoc/>
    public void Run(int worker)
    {
        try
        {
            for (int index = Next(); index < count; index = Next())
                call(index);
        }
        catch (Exception e)
        {
            _error ??= ExceptionDispatchInfo.Capture(e); // thrown by Check, since work must not throw
        }
    }

    /// <summary>Throws the exception of a call, if there was one.</summary>
    public void Check() => _error?.Throw();

    private int Next() => Interlocked.Increment(ref _taken) - 1;
}
