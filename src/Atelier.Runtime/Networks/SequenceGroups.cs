using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>Groups of sequences, which the workers of a pool take one after another.</summary>
/// <param name="groups">The groups.</param>
/// <param name="run">Computes a group; receives the number of the worker.</param>
internal sealed class SequenceGroups(Range[] groups, Action<int, Range> run) : IParallelWork
{
    // More rows at once are not faster, and less of them would stay in the caches.
    private const int MostRows = 128;

    // With less rows, reading the weights would take longer than the products.
    private const int LeastRows = 32;

    private int _taken;

    /// <summary>Divides sequences into groups of similar size, one for each worker if there are enough.</summary>
    /// <param name="count">Number of sequences.</param>
    /// <param name="length">Returns the length of a sequence.</param>
    /// <param name="workers">Number of workers.</param>
    public static List<Range> Divide(int count, Func<int, int> length, int workers)
    {
        long total = Enumerable.Range(0, count).Sum(i => (long)length(i));
        int parts = (int)Math.Min(count, Math.Max((total + MostRows - 1) / MostRows,
            Math.Min(workers, total / LeastRows)));
        var groups = new List<Range>();
        long read = 0;
        for (int first = 0, next = 0; first < count; first = next)
        {
            long until = total * (groups.Count + 1) / parts;
            do
                read += length(next++);
            while (next < count && read + length(next) / 2 < until);
            groups.Add(first..next);
        }
        return groups;
    }

    /// <inheritdoc/>
    public void Run(int worker)
    {
        for (int group = Next(); group < groups.Length; group = Next())
            run(worker, groups[group]);
    }

    private int Next() => Interlocked.Increment(ref _taken) - 1;
}
