namespace Atelier.Tokenizers;

/// <summary>
/// The merges of byte pair encoding in their order (Sennrich et al. 2016). Of all neighbouring symbols with a merge,
/// the pair whose merge was learned first is merged first, and of equal pairs the leftmost.
/// </summary>
internal sealed class MergeTable
{
    private readonly Dictionary<long, (int Rank, int Id)> _merges = [];

    public int Count => _merges.Count;

    public void Add(int left, int right, int rank, int id) => _merges.TryAdd(Key(left, right), (rank, id));

    /// <summary>Applies all merges to a sequence of symbols, in O(n log n) time for n symbols.</summary>
    /// <param name="symbols">The initial ids; overwritten, with the resulting ids at the front.</param>
    /// <returns>Number of resulting ids.</returns>
    public int Apply(Span<int> symbols)
    {
        var random = default(SplitMix64);
        return Apply(symbols, dropout: 0, ref random);
    }

    /// <summary>
    /// Applies merges to a sequence of symbols, and passes over each of the possible merges at random before each merge
    /// (Provilkov et al. 2020, algorithm 1).
    /// </summary>
    /// <param name="symbols">The initial ids; overwritten, with the resulting ids at the front.</param>
    /// <param name="dropout">The probability that a merge is passed over; 0 applies all merges.</param>
    /// <param name="random">The random numbers to draw from, one for each merge considered.</param>
    /// <returns>Number of resulting ids.</returns>
    public int Apply(Span<int> symbols, double dropout, ref SplitMix64 random)
    {
        int count = symbols.Length;
        if (count < 2)
            return count;
        // A linked list of the symbols, and a queue of merges ordered by rank, then position. A merge is skipped if its
        // symbols have changed since it was queued.
        int[] next = new int[count], previous = new int[count];
        var queue = new PriorityQueue<(int At, int Left, int Right), (int Rank, int At)>();
        var passedOver = new List<((int At, int Left, int Right), (int Rank, int At))>();
        for (int i = 0; i < count; i++)
            (previous[i], next[i]) = (i - 1, i + 1);
        for (int i = 0; i + 1 < count; i++)
            Offer(queue, symbols, i, i + 1);

        while (queue.TryDequeue(out var join, out var order))
        {
            int at = join.At, right = next[at];
            if (symbols[at] != join.Left || right >= symbols.Length || symbols[right] != join.Right)
                continue;
            if (dropout > 0 && random.NextDouble() < dropout)
            {
                passedOver.Add((join, order));
                continue;
            }
            queue.EnqueueRange(passedOver); // the next merge may be one of them
            passedOver.Clear();
            symbols[at] = _merges[Key(join.Left, join.Right)].Id;
            symbols[right] = -1;
            next[at] = next[right];
            if (next[at] < symbols.Length)
            {
                previous[next[at]] = at;
                Offer(queue, symbols, at, next[at]);
            }
            if (previous[at] >= 0)
                Offer(queue, symbols, previous[at], at);
            count--;
        }

        int kept = 0;
        foreach (int symbol in symbols)
        {
            if (symbol >= 0)
                symbols[kept++] = symbol;
        }
        return count;
    }

    private void Offer(PriorityQueue<(int, int, int), (int, int)> queue, ReadOnlySpan<int> symbols, int at, int right)
    {
        if (_merges.TryGetValue(Key(symbols[at], symbols[right]), out var merge))
            queue.Enqueue((at, symbols[at], symbols[right]), (merge.Rank, at));
    }

    private static long Key(int left, int right) => ((long)left << 32) | (uint)right;
}
