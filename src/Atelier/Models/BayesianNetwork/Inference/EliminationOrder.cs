namespace Atelier.Models.BayesianNetwork.Inference;

/// <summary>
/// An order in which variables are eliminated, chosen greedily by least fill-in (Kjærulff 1990; Koller and Friedman 2009,
/// section 9.4.3.2), and what exact inference in that order costs.
/// </summary>
public sealed record EliminationOrder
{
    private EliminationOrder(IReadOnlyList<int> variables, IReadOnlyList<int[]> contexts, int width, double largest, double total) =>
        (Variables, Contexts, Width, LargestClique, TotalCells) = (variables, contexts, width, largest, total);

    /// <summary>The variables, first eliminated first.</summary>
    public IReadOnlyList<int> Variables { get; }

    /// <summary>For each place in the order, the variables that its elimination joins: all of them are eliminated later.</summary>
    public IReadOnlyList<int[]> Contexts { get; }

    /// <summary>The most variables joined at once, less one: an upper bound of the graph's treewidth.</summary>
    public int Width { get; }

    /// <summary>The cells of the largest table.</summary>
    public double LargestClique { get; }

    /// <summary>The cells of all tables together: time and memory of a query grow with it.</summary>
    public double TotalCells { get; }

    /// <summary>Orders all variables of a network.</summary>
    public static EliminationOrder Of(DiscreteNetwork network) => MinFill(
        network.Variables.Count, [.. Enumerable.Range(0, network.Variables.Count).Select(i => network.Graph.Parents(i).Append(i).ToArray())],
        network.StatesOf, keep: []);

    /// <summary>Orders the variables that appear in <paramref name="scopes"/>.</summary>
    /// <param name="count">One more than the largest variable's number.</param>
    /// <param name="scopes">Sets of variables that stand in one table.</param>
    /// <param name="statesOf">How many states a variable has.</param>
    /// <param name="keep">Variables that are not to be eliminated.</param>
    internal static EliminationOrder MinFill(int count, IReadOnlyList<int[]> scopes, Func<int, int> statesOf, IReadOnlyCollection<int> keep)
    {
        HashSet<int>[] neighbours = [.. Enumerable.Range(0, count).Select(_ => new HashSet<int>())];
        foreach (int[] scope in scopes)
            foreach (int a in scope)
                foreach (int b in scope)
                    if (a != b)
                        neighbours[a].Add(b);
        var left = new SortedSet<int>(scopes.SelectMany(s => s).Except(keep));
        var costs = new (int Fill, double Cells)[count];
        foreach (int variable in left)
            costs[variable] = Cost(variable);

        var order = new List<int>();
        var contexts = new List<int[]>();
        double largest = 1, total = 0;
        while (left.Count > 0)
        {
            int next = left.MinBy(v => (costs[v].Fill, costs[v].Cells, v));
            left.Remove(next);
            int[] context = [.. neighbours[next].Order()];
            order.Add(next);
            contexts.Add(context);
            largest = Math.Max(largest, costs[next].Cells);
            total += costs[next].Cells;
            foreach (int a in context)
            {
                neighbours[a].Remove(next);
                foreach (int b in context)
                    if (a != b)
                        neighbours[a].Add(b);
            }
            foreach (int changed in context.SelectMany(a => neighbours[a].Append(a)).Distinct())
                if (left.Contains(changed))
                    costs[changed] = Cost(changed);
        }
        return new EliminationOrder(order, contexts, contexts.Count == 0 ? 0 : contexts.Max(c => c.Length), largest, total);

        (int Fill, double Cells) Cost(int variable)
        {
            int[] around = [.. neighbours[variable]];
            int fill = 0;
            double cells = statesOf(variable);
            for (int i = 0; i < around.Length; i++)
            {
                cells *= statesOf(around[i]);
                for (int j = i + 1; j < around.Length; j++)
                    fill += neighbours[around[i]].Contains(around[j]) ? 0 : 1;
            }
            return (fill, cells);
        }
    }
}
