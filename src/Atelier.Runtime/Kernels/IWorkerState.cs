namespace Atelier.Kernels;

/// <summary>
/// A state whose model has workers. They still wait for work when a step has ended, so that they begin work on its
/// results sooner than threads that must be woken.
/// </summary>
internal interface IWorkerState
{
    /// <summary>Calls a function for each index from 0 on the workers, and returns when all calls have ended.</summary>
    /// <param name="count">Number of calls.</param>
    /// <param name="call">The function; safe for concurrent use.</param>
    void ForEach(int count, Action<int> call);
}
