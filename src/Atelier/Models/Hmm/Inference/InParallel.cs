using System.Runtime.ExceptionServices;

namespace Atelier.Models.Hmm.Inference;

/// <summary>Work on all cores that throws what its parts throw, and not many things in one.</summary>
internal static class InParallel
{
    /// <summary>Does the work of each number.</summary>
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

    /// <summary>Does two works, on two threads where that is worth it.</summary>
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
