namespace Atelier.Models.BayesianNetwork.Inference;

/// <summary>
/// An order in which variables are eliminated and what exact inference in that order costs. Of several orders found
/// greedily, by least fill-in, by least weight of the fill-in and by smallest table (Kjærulff 1990; Koller and Friedman
/// 2009, section 9.4.3.2), the one whose tables have the fewest cells; ties are broken at random where tables are
/// large.
/// </summary>
public sealed record EliminationOrder
{
    // Below this the next try costs more than it can save.
    private const double SmallEnough = 1 << 14;
    private const int RandomTries = 24;

    private EliminationOrder(IReadOnlyList<int> variables, IReadOnlyList<int[]> contexts, double largest, double total,
        double messages) =>
        (Variables, Contexts, LargestClique, TotalCells, MessageCells) = (variables, contexts, largest, total,
            messages);

    /// <summary>The variables, first eliminated first.</summary>
    public IReadOnlyList<int> Variables { get; }

    /// <summary>
    /// For each place in the order, the variables that its elimination joins: all of them are eliminated later.
    /// </summary>
    public IReadOnlyList<int[]> Contexts { get; }

    /// <summary>The most variables joined at once, less one: an upper bound of the graph's treewidth.</summary>
    public int Width => Contexts.Count == 0 ? 0 : Contexts.Max(c => c.Length);

    /// <summary>The cells of the largest table.</summary>
    public double LargestClique { get; }

    /// <summary>The cells of all tables together: the time of an answer grows with it.</summary>
    public double TotalCells { get; }

    /// <summary>
    /// The cells that are left of all tables when their variable is summed out: the memory of an answer grows with it.
    /// </summary>
    public double MessageCells { get; }

    /// <summary>Orders all variables of a network.</summary>
    /// <param name="network">The network.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    public static EliminationOrder Of(DiscreteNetwork network, CancellationToken cancellation = default) => Find(
        network.Variables.Count,
            [.. Enumerable.Range(0, network.Variables.Count).Select(i => network.Graph.Parents(i).Append(i).ToArray())],
        network.StatesOf, keep: [], cancellation);

    /// <summary>Orders the variables that appear in <paramref name="scopes"/>.</summary>
    /// <param name="count">One more than the largest variable's number.</param>
    /// <param name="scopes">Sets of variables that stand in one table.</param>
    /// <param name="statesOf">How many states a variable has.</param>
    /// <param name="keep">Variables that are not to be eliminated.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    internal static EliminationOrder Find(int count, IReadOnlyList<int[]> scopes, Func<int, int> statesOf,
        IReadOnlyCollection<int> keep, CancellationToken cancellation)
    {
        // Numbered anew, that sets of neighbours are as short as can be.
        int[] present = [.. scopes.SelectMany(s => s).Distinct().Order()];
        var places = new int[count];
        for (int i = 0; i < present.Length; i++)
            places[present[i]] = i;
        int[] states = [.. present.Select(statesOf)];
        bool[] kept = [.. present.Select(keep.Contains)];
        ulong[][] neighbours = InteractionGraph.Of(scopes, places, present.Length);

        EliminationOrder best = Try(Criterion.Fill, ties: null, double.PositiveInfinity)!;
        if (best.TotalCells > SmallEnough)
        {
            Offer(Criterion.WeightedFill, ties: null);
            Offer(Criterion.Cells, ties: null);
            for (ulong seed = 0; seed < RandomTries; seed++)
                Offer(seed % 4 == 3 ? Criterion.Cells : seed % 2 == 0 ? Criterion.Fill : Criterion.WeightedFill, seed);
        }
        return best;

        void Offer(Criterion criterion, ulong? ties) => best = Try(criterion, ties, best.TotalCells) ?? best;

        EliminationOrder? Try(Criterion criterion, ulong? ties, double limit)
        {
            var graph = new InteractionGraph(neighbours, states, kept);
            var order = new List<int>();
            var contexts = new List<int[]>();
            double largest = 1, total = 0, messages = 0;
            foreach ((int next, int[] around, double cells) in graph.Eliminate(criterion, ties))
            {
                cancellation.ThrowIfCancellationRequested();
                order.Add(present[next]);
                contexts.Add(Array.ConvertAll(around, v => present[v]));
                largest = Math.Max(largest, cells);
                total += cells;
                messages += cells / states[next];
                if (total >= limit)
                    return null;
            }
            return new EliminationOrder(order, contexts, largest, total, messages);
        }
    }

    /// <summary>What the next variable has least of.</summary>
    internal enum Criterion
    {
        /// <summary>Pairs of neighbours to be joined.</summary>
        Fill,

        /// <summary>Those pairs, each counted by the cells of its table.</summary>
        WeightedFill,

        /// <summary>Cells of the table over it and its neighbours.</summary>
        Cells,
    }
}
