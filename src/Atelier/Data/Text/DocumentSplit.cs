using Atelier.Recipes;

namespace Atelier.Data.Text;

/// <summary>The parts of a corpus.</summary>
internal enum Part
{
    /// <summary>To learn from.</summary>
    Train,

    /// <summary>To watch while learning.</summary>
    Validation,

    /// <summary>To judge by.</summary>
    Test,

    /// <summary>Left over where the shares sum to less than 1.</summary>
    None,
}

/// <summary>
/// Shares documents out to the parts. Documents with the same content go to the same part, so that nothing that is judged
/// by was learned from; a content that is repeated more often than a small part has room for goes to training.
/// </summary>
internal sealed class DocumentSplit
{
    private readonly int[] _order;
    private readonly Part[] _parts;

    /// <summary>Shares out.</summary>
    /// <param name="contents">A hash of each document's content.</param>
    /// <param name="split">The shares.</param>
    /// <param name="seed">Of the shuffle.</param>
    public DocumentSplit(ReadOnlySpan<ulong> contents, SplitSection split, long seed)
    {
        int count = contents.Length;
        _order = [.. Enumerable.Range(0, count)];
        if (split.Shuffle)
        {
            var draws = new ulong[count];
            for (int i = 0; i < count; i++)
                draws[i] = SplitMix64.At((ulong)seed, (ulong)i);
            Array.Sort(draws, _order);
        }
        _parts = new Part[count];
        ShareOut(Groups(contents), split);
    }

    /// <summary>The documents of a part, in the order they are to be written.</summary>
    public IEnumerable<int> Documents(Part part) => _order.Where(document => _parts[document] == part);

    /// <summary>Documents of the same content: their numbers, the groups in the order in which each is met first.</summary>
    private IEnumerable<ArraySegment<int>> Groups(ReadOnlySpan<ulong> contents)
    {
        var rank = new int[_order.Length];
        for (int i = 0; i < _order.Length; i++)
            rank[_order[i]] = i;
        ulong[] sorted = contents.ToArray();
        int[] members = [.. Enumerable.Range(0, sorted.Length)];
        Array.Sort(sorted, members);
        var groups = new List<(int First, ArraySegment<int> Members)>();
        for (int start = 0, end; start < sorted.Length; start = end)
        {
            int first = int.MaxValue;
            for (end = start; end < sorted.Length && sorted[end] == sorted[start]; end++)
                first = Math.Min(first, rank[members[end]]);
            groups.Add((first, new(members, start, end - start)));
        }
        groups.Sort((a, b) => a.First.CompareTo(b.First));
        return groups.Select(group => group.Members);
    }

    private void ShareOut(IEnumerable<ArraySegment<int>> groups, SplitSection split)
    {
        int count = _order.Length;
        ReadOnlySpan<double> shares = [split.Train, split.Validation, split.Test];
        Span<long> room = stackalloc long[3];
        double sum = 0;
        long given = 0;
        for (int p = 0; p < 3; p++)
        {
            // Rounding the sums and not the shares leaves no document over; a part that is asked for gets one at least.
            sum += shares[p];
            room[p] = Math.Max((long)Math.Round(sum * count) - given, shares[p] > 0 ? 1 : 0);
            given += room[p];
        }
        if (given > count)
            room[0] = Math.Max(1, room[0] - (given - count));
        int part = 0;
        foreach (ArraySegment<int> group in groups)
        {
            while (part < 3 && room[part] <= 0)
                part++;
            int chosen = part is 1 or 2 && group.Count > room[part] + 1 + count / 100 ? 0 : part;
            foreach (int document in group)
                _parts[document] = (Part)chosen;
            if (chosen == part && part < 3)
                room[part] -= group.Count;
        }
    }
}
