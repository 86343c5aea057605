using System.Collections.Concurrent;
using Atelier.Abstractions;

namespace Atelier.Networks;

/// <summary>A model whose batches can run side by side, each on a thread of its own.</summary>
internal interface IWorkerModel
{
    /// <summary>
    /// Models with the same weights, which belong to this one: one for each of its threads. Each runs on the thread
    /// that calls it, and should be used by one thread at a time.
    /// </summary>
    IReadOnlyList<ISequenceToSequenceModel> Workers { get; }
}

/// <summary>Divides work into batches that several models process side by side.</summary>
internal static class WorkerBatches
{
    /// <summary>Calls a function for consecutive batches of items, as many at a time as there are models.</summary>
    /// <param name="workers">The models. Each has one batch at a time.</param>
    /// <param name="items">The items.</param>
    /// <param name="most">The largest number of items that are processed at a time, over all models.</param>
    /// <param name="call">Processes a batch with a model.</param>
    /// <param name="cancellation">Cancels the operation before the next batch.</param>
    public static Task RunAsync<TModel>(IReadOnlyList<TModel> workers, IReadOnlyList<int> items, int most,
        Func<TModel, int[], Task> call, CancellationToken cancellation)
    {
        int size = Math.Max(1, (Math.Min(items.Count, most) + workers.Count - 1) / workers.Count);
        var free = new ConcurrentQueue<TModel>(workers);
        var options = new ParallelOptions
            { MaxDegreeOfParallelism = workers.Count, CancellationToken = cancellation };
        return Parallel.ForEachAsync(items.Chunk(size), options, async (batch, _) =>
        {
            free.TryDequeue(out TModel? model); // there are as many as batches at a time
            try
            {
                await call(model!, batch).ConfigureAwait(false);
            }
            finally
            {
                free.Enqueue(model!);
            }
        });
    }
}
