namespace Atelier.Models.BayesianNetwork.Inference;

/// <summary>
/// An elimination order of variables, with the cost of exact inference in that order. Several orders are found greedily
/// by minimum fill-in, minimum weighted fill-in and smallest table (Kjærulff 1990; Koller and Friedman 2009, section
/// 9.4.3.2), and the one whose tables have the fewest cells is kept. If tables are large, more orders are tried with
/// ties broken at random.
/// </summary>
public sealed record EliminationOrder
{
    // If the tables have no more cells than this, another try costs more than it can save.
    private const double SmallEnough = 1 << 14;
    private const int RandomTries = 24;

    private EliminationOrder(IReadOnlyList<int> variables, IReadOnlyList<int[]> contexts, double largest, double total,
        double messages)
    {
        (Variables, Contexts) = (variables, contexts);
        (LargestClique, TotalCells, MessageCells) = (largest, total, messages);
    }

    /// <summary>The indices of the variables in the order of elimination.</summary>
    public IReadOnlyList<int> Variables { get; }

    /// <summary>
    /// For each position in the order, the neighbours of the variable when it is eliminated. All of them are eliminated
    /// later.
    /// </summary>
    public IReadOnlyList<int[]> Contexts { get; }

    /// <summary>The width of the order: an upper bound of the graph's treewidth.</summary>
    public int Width => Contexts.Count == 0 ? 0 : Contexts.Max(c => c.Length);

    /// <summary>The number of cells of the largest table.</summary>
    public double LargestClique { get; }

    /// <summary>The number of cells of all tables together, to which the time of inference is proportional.</summary>
    public double TotalCells { get; }

    /// <summary>
    /// The number of cells of all messages together, to which the memory of inference is proportional. A message is a
    /// table whose variable has been summed out.
    /// </summary>
    public double MessageCells { get; }

    /// <summary>Finds an order of all variables of a network.</summary>
    /// <param name="network">The network.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    public static EliminationOrder Of(DiscreteNetwork network, CancellationToken cancellation = default)
    {
        int count = network.Variables.Count;
        int[][] families = [.. Enumerable.Range(0, count).Select(i => network.Graph.Parents(i).Append(i).ToArray())];
        return Find(count, families, network.StatesOf, keep: [], cancellation);
    }

    /// <summary>Finds an order of the variables that occur in <paramref name="scopes"/>.</summary>
    /// <param name="count">One more than the largest index of a variable.</param>
    /// <param name="scopes">The variables of each table.</param>
    /// <param name="statesOf">Returns the number of states of a variable.</param>
    /// <param name="keep">The variables that are not to be eliminated.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    internal static EliminationOrder Find(int count, IReadOnlyList<int[]> scopes, Func<int, int> statesOf,
        IReadOnlyCollection<int> keep, CancellationToken cancellation)
    {
        // The variables are renumbered to keep the bit sets of neighbours short.
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

    /// <summary>The cost by which the next variable is chosen; the lowest wins.</summary>
    internal enum Criterion
    {
        /// <summary>The number of fill-in edges: pairs of neighbours that elimination joins.</summary>
        Fill,

        /// <summary>The fill-in edges, each weighted by the product of its variables' numbers of states.</summary>
        WeightedFill,

        /// <summary>The number of cells of the table over the variable and its neighbours.</summary>
        Cells,
    }
}
