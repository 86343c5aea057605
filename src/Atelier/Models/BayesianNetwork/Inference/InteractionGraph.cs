using System.Numerics;

namespace Atelier.Models.BayesianNetwork.Inference;

/// <summary>Which variables stand in one table, and how that changes as they are eliminated: a bit a pair.</summary>
internal sealed class InteractionGraph
{
    private readonly ulong[][] _neighbours;
    private readonly int[] _states;
    private readonly List<int> _left;
    private readonly (double First, double Second)[] _costs;

    /// <summary>A copy that variables may be eliminated from.</summary>
    /// <param name="neighbours">For each variable a bit for each that it stands in one table with.</param>
    /// <param name="states">Number of states of each.</param>
    /// <param name="kept">Which are not to be eliminated.</param>
    public InteractionGraph(ulong[][] neighbours, int[] states, bool[] kept)
    {
        _neighbours = [.. neighbours.Select(n => (ulong[])n.Clone())];
        _states = states;
        _left = [.. Enumerable.Range(0, states.Length).Where(v => !kept[v])];
        _costs = new (double, double)[states.Length];
    }

    /// <summary>The neighbours that tables over some variables make.</summary>
    /// <param name="scopes">The variables of each table.</param>
    /// <param name="places">The number of each variable here.</param>
    /// <param name="count">How many there are.</param>
    public static ulong[][] Of(IReadOnlyList<int[]> scopes, int[] places, int count)
    {
        ulong[][] neighbours = [.. Enumerable.Range(0, count).Select(_ => new ulong[(count + 63) / 64])];
        foreach (int[] scope in scopes)
            foreach (int a in scope)
                foreach (int b in scope)
                    if (a != b)
                        Set(neighbours[places[a]], places[b]);
        return neighbours;
    }

    /// <summary>Eliminates variable after variable, the cheapest first.</summary>
    /// <param name="criterion">What cheap is.</param>
    /// <param name="ties">
    /// The seed by which one of several equally cheap ones is chosen; null takes that of the least number.
    /// </param>
    /// <returns>The variable, its neighbours at that time, and the cells of the table over all of them.</returns>
    public IEnumerable<(int Variable, int[] Around, double Cells)> Eliminate(EliminationOrder.Criterion criterion,
        ulong? ties)
    {
        var random = new SplitMix64(ties ?? 0);
        var changed = new ulong[(_states.Length + 63) / 64];
        foreach (int variable in _left)
            _costs[variable] = Cost(variable, criterion);
        while (_left.Count > 0)
        {
            int place = Cheapest(ties is null ? null : random.Next(long.MaxValue));
            int next = _left[place];
            _left.RemoveAt(place);
            int[] around = Members(_neighbours[next]);
            yield return (next, around, _states[next] * around.Aggregate(1.0, (product, v) => product * _states[v]));
            Array.Clear(changed);
            foreach (int a in around)
            {
                ulong[] own = _neighbours[a];
                Set(own, a); // as each of them has it, so that only what is new shows
                bool grows = false;
                for (int word = 0; word < own.Length; word++)
                {
                    ulong joined = own[word] | _neighbours[next][word];
                    grows |= joined != own[word];
                    own[word] = joined;
                }
                Clear(own, a);
                Clear(own, next);
                Set(changed, a);
                // A pair joined anew is one fewer to join for those next to both.
                for (int word = 0; grows && word < own.Length; word++)
                    changed[word] |= own[word];
            }
            foreach (int variable in _left)
                if ((changed[variable >> 6] >> (variable & 63) & 1) != 0)
                    _costs[variable] = Cost(variable, criterion);
        }
    }

    // Of equal ones the first, or each with equal chance.
    private int Cheapest(long? ties)
    {
        (double First, double Second) least = (double.PositiveInfinity, double.PositiveInfinity);
        int best = 0, equal = 0;
        var random = new SplitMix64((ulong)(ties ?? 0));
        for (int i = 0; i < _left.Count; i++)
        {
            (double first, double second) = _costs[_left[i]];
            if (first < least.First || (first == least.First && second < least.Second && ties is null))
                (least, best, equal) = ((first, second), i, 1);
            else if (ties is not null && first == least.First && random.Next(++equal) == 0)
                best = i;
        }
        return best;
    }

    private (double First, double Second) Cost(int variable, EliminationOrder.Criterion criterion)
    {
        ulong[] own = _neighbours[variable];
        int[] around = Members(own);
        double cells = _states[variable], fill = 0;
        foreach (int a in around)
        {
            cells *= _states[a];
            if (criterion == EliminationOrder.Criterion.Cells)
                continue;
            ulong[] others = _neighbours[a];
            for (int word = 0; word < own.Length; word++)
            {
                ulong missing = own[word] & ~others[word];
                if (criterion == EliminationOrder.Criterion.Fill)
                    fill += BitOperations.PopCount(missing);
                else
                    for (; missing != 0; missing &= missing - 1)
                        fill += (word << 6) + BitOperations.TrailingZeroCount(missing) is var b && b != a
                            ? (double)_states[a] * _states[b] : 0;
            }
            fill -= criterion == EliminationOrder.Criterion.Fill ? 1 : 0; // none is its own neighbour
        }
        return criterion == EliminationOrder.Criterion.Cells ? (cells, 0) : (fill, cells);
    }

    private static int[] Members(ulong[] set)
    {
        var members = new List<int>();
        for (int word = 0; word < set.Length; word++)
            for (ulong bits = set[word]; bits != 0; bits &= bits - 1)
                members.Add((word << 6) + BitOperations.TrailingZeroCount(bits));
        return [.. members];
    }

    private static void Set(ulong[] set, int member) => set[member >> 6] |= 1UL << (member & 63);

    private static void Clear(ulong[] set, int member) => set[member >> 6] &= ~(1UL << (member & 63));
}
