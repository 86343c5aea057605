using System.Runtime.ExceptionServices;

namespace Atelier.Models.Hmm.Inference;

/// <summary>
/// Parallel loops that rethrow the first exception of their bodies, instead of an <see cref="AggregateException"/>.
/// </summary>
internal static class InParallel
{
    /// <summary>Calls a body with each number from 0 to count − 1, in parallel.</summary>
    public static void For(int count, CancellationToken cancellation, Action<int> work)
    {
        try
        {
            Parallel.For(0, count, new ParallelOptions { CancellationToken = cancellation }, work);
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.Flatten().InnerExceptions[0]);
        }
    }

    /// <summary>Runs two actions, in parallel if asked to and otherwise one after the other.</summary>
    public static void Both(bool parallel, Action first, Action second)
    {
        if (parallel)
        {
            For(2, CancellationToken.None, number => (number == 0 ? first : second)());
            return;
        }
        first();
        second();
    }
}
