using System.Numerics;

namespace Atelier.Models.BayesianNetwork.Inference;

/// <summary>
/// The interaction graph of factors during elimination: an undirected graph that joins the variables which occur in one
/// table. Neighbours are stored as bit sets.
/// </summary>
internal sealed class InteractionGraph
{
    private readonly ulong[][] _neighbours;
    private readonly int[] _states;
    private readonly List<int> _left; // variables still to be eliminated
    private readonly (double First, double Second)[] _costs; // the second value breaks ties

    /// <summary>Creates a graph that variables can be eliminated from. The neighbours are copied.</summary>
    /// <param name="neighbours">The neighbours of each variable, as a bit set.</param>
    /// <param name="states">The number of states of each variable.</param>
    /// <param name="kept">Which variables are not to be eliminated.</param>
    public InteractionGraph(ulong[][] neighbours, int[] states, bool[] kept)
    {
        _neighbours = [.. neighbours.Select(n => (ulong[])n.Clone())];
        _states = states;
        _left = [.. Enumerable.Range(0, states.Length).Where(v => !kept[v])];
        _costs = new (double, double)[states.Length];
    }

    /// <summary>Computes the neighbours of each variable, as bit sets.</summary>
    /// <param name="scopes">The variables of each table.</param>
    /// <param name="places">The index of each variable in this graph.</param>
    /// <param name="count">The number of variables in this graph.</param>
    public static ulong[][] Of(IReadOnlyList<int[]> scopes, int[] places, int count)
    {
        ulong[][] neighbours = [.. Enumerable.Range(0, count).Select(_ => new ulong[(count + 63) / 64])];
        foreach (int[] scope in scopes)
        {
            foreach (int a in scope)
            {
                foreach (int b in scope.Where(b => b != a))
                    Set(neighbours[places[a]], places[b]);
            }
        }
        return neighbours;
    }

    /// <summary>Eliminates one variable after another, the cheapest first.</summary>
    /// <param name="criterion">The cost of a variable.</param>
    /// <param name="ties">
    /// The seed by which ties are broken at random; null takes the variable with the smallest index.
    /// </param>
    /// <returns>For each step the variable, its neighbours at that time, and the number of cells of the table over all
    /// of them.</returns>
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
                Set(own, a); // because the eliminated variable's neighbours include a: only new edges make a difference
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
                // A new edge lowers the fill-in of the variables adjacent to both of its ends.
                for (int word = 0; grows && word < own.Length; word++)
                    changed[word] |= own[word];
            }
            foreach (int variable in _left)
            {
                if ((changed[variable >> 6] >> (variable & 63) & 1) != 0)
                    _costs[variable] = Cost(variable, criterion);
            }
        }
    }

    // Of equally cheap variables the first, or one at random.
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
                {
                    fill += BitOperations.PopCount(missing);
                    continue;
                }
                for (; missing != 0; missing &= missing - 1)
                {
                    int b = (word << 6) + BitOperations.TrailingZeroCount(missing);
                    fill += b != a ? (double)_states[a] * _states[b] : 0;
                }
            }
            fill -= criterion == EliminationOrder.Criterion.Fill ? 1 : 0; // a itself is not among its neighbours
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
