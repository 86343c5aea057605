namespace Atelier.Models.BayesianNetwork.Structure;

/// <summary>
/// Learns a structure from tests of conditional independence by the PC algorithm (Spirtes, Glymour and Scheines 2000),
/// in its variant PC-stable, whose skeleton does not depend on the order of the variables (Colombo and Maathuis 2014).
/// </summary>
internal sealed class PcAlgorithm
{
    private readonly IReadOnlyList<string> _names;
    private readonly StructureConstraints _constraints;
    private readonly IndependenceTest _test;
    private readonly double _significance;
    private readonly int _mostConditions;
    private readonly bool[,] _adjacent;
    private readonly Dictionary<(int, int), int[]> _separators = []; // what made two variables independent

    /// <summary>Prepares the algorithm.</summary>
    /// <param name="names">The names of the variables.</param>
    /// <param name="constraints">The required and forbidden edges, and the most parents.</param>
    /// <param name="test">The test of independence.</param>
    /// <param name="significance">The significance level; higher p-values count as independence.</param>
    /// <param name="mostConditions">The largest number of variables that a test conditions on.</param>
    public PcAlgorithm(IReadOnlyList<string> names, StructureConstraints constraints, IndependenceTest test,
        double significance, int mostConditions)
    {
        (_names, _constraints, _test, _significance, _mostConditions) =
            (names, constraints, test, significance, mostConditions);
        _adjacent = new bool[names.Count, names.Count];
        for (int a = 0; a < names.Count; a++)
        {
            for (int b = 0; b < names.Count; b++)
                _adjacent[a, b] = a != b && !(constraints.IsForbidden(a, b) && constraints.IsForbidden(b, a));
        }
    }

    /// <summary>The number of tests performed.</summary>
    public int Tests { get; private set; }

    /// <summary>
    /// Whether the directions implied by the tests contradicted one another, so that some edges were directed by the
    /// order of the variables.
    /// </summary>
    public bool IsContradictory { get; private set; }

    /// <summary>Learns the structure.</summary>
    /// <param name="progress">Called after each round with the number of conditions and the number of remaining
    /// edges.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    public DirectedGraph Learn(Action<int, int>? progress, CancellationToken cancellation)
    {
        FindSkeleton(progress, cancellation);
        PartiallyDirectedGraph graph = Direct();
        if (graph.Extend() is { } edges && _constraints.Allows(edges))
            return DirectedGraph.Of(edges, _names);
        IsContradictory = true;
        return DirectByOrder(graph);
    }

    private void FindSkeleton(Action<int, int>? progress, CancellationToken cancellation)
    {
        int count = _names.Count;
        for (int size = 0; size <= _mostConditions; size++)
        {
            // The neighbours are fixed for the whole round, which makes the result independent of the order.
            int[][] neighbours = [.. Enumerable.Range(0, count)
                .Select(a => Enumerable.Range(0, count).Where(b => _adjacent[a, b]).ToArray())];
            (int A, int B)[] edges =
                [.. Enumerable.Range(0, count).SelectMany(a => neighbours[a].Where(b => a < b).Select(b => (a, b)))];
            if (!edges.Any(e => Math.Max(neighbours[e.A].Length, neighbours[e.B].Length) > size))
                break;
            var found = new int[]?[edges.Length];
            var tests = new int[edges.Length];
            Parallel.For(0, edges.Length, new ParallelOptions { CancellationToken = cancellation },
                i => found[i] = Separator(edges[i], neighbours, size, ref tests[i]));
            Tests += tests.Sum();
            for (int i = 0; i < edges.Length; i++)
            {
                if (found[i] is not { } separator)
                    continue;
                _adjacent[edges[i].A, edges[i].B] = _adjacent[edges[i].B, edges[i].A] = false;
                _separators[edges[i]] = separator;
            }
            progress?.Invoke(size, edges.Length - found.Count(f => f is not null));
        }
    }

    private int[]? Separator((int A, int B) edge, int[][] neighbours, int size, ref int tests)
    {
        (int a, int b) = edge;
        if (_constraints.IsRequired(a, b) || _constraints.IsRequired(b, a))
            return null;
        foreach ((int from, int without) in ((int, int)[])[(a, b), (b, a)])
        {
            if (size == 0 && from == b)
                break; // the empty set is the same from both sides
            int[] candidates = [.. neighbours[from].Where(v => v != without)];
            foreach (int[] given in Subsets(candidates, size))
            {
                tests++;
                if (_test.PValue(a, b, given) > _significance)
                    return given;
            }
        }
        return null;
    }

    private static IEnumerable<int[]> Subsets(int[] items, int size)
    {
        if (size > items.Length)
            yield break;
        int[] places = [.. Enumerable.Range(0, size)];
        while (true)
        {
            yield return [.. places.Select(p => items[p])];
            int at = size - 1;
            while (at >= 0 && places[at] == items.Length - size + at)
                at--;
            if (at < 0)
                yield break;
            places[at]++;
            for (int i = at + 1; i < size; i++)
                places[i] = places[i - 1] + 1;
        }
    }

    private PartiallyDirectedGraph Direct()
    {
        var graph = PartiallyDirectedGraph.Of(_adjacent);
        int count = _names.Count;
        for (int a = 0; a < count; a++)
        {
            for (int b = 0; b < count; b++)
            {
                bool oneWay = _constraints.IsForbidden(b, a) && !_constraints.IsForbidden(a, b);
                if (a != b && graph.Adjacent(a, b) && (_constraints.IsRequired(a, b) || oneWay))
                    graph.Orient(a, b);
            }
        }
        // If a — c — b and the set that separates a and b does not contain c, then c is a collider.
        for (int a = 0; a < count; a++)
        {
            for (int b = a + 1; b < count; b++)
            {
                if (graph.Adjacent(a, b))
                    continue;
                for (int c = 0; c < count; c++)
                {
                    bool joined = c != a && c != b && graph.Adjacent(a, c) && graph.Adjacent(b, c);
                    if (!joined || (_separators.TryGetValue((a, b), out int[]? separator) && separator.Contains(c))
                        || graph.Directed(c, a) || graph.Directed(c, b))
                        continue;
                    graph.Orient(a, c);
                    graph.Orient(b, c);
                }
            }
        }
        graph.Complete();
        return graph;
    }

    // If the tests contradict one another, each edge takes its direction, or the other one if that would close a cycle.
    private DirectedGraph DirectByOrder(PartiallyDirectedGraph graph)
    {
        var edges = new List<(int Parent, int Child)>(_constraints.Required);
        int count = _names.Count;
        IEnumerable<(int, int)> pairs = Enumerable.Range(0, count)
            .SelectMany(a => Enumerable.Range(0, count).Select(b => (a, b)));
        foreach ((int a, int b) in pairs.Where(p => graph.Directed(p.Item1, p.Item2))
            .Concat(pairs.Where(p => p.Item1 < p.Item2 && graph.Undirected(p.Item1, p.Item2))))
        {
            if (edges.Contains((a, b)) || edges.Contains((b, a)))
                continue;
            if (!Closes(a, b) && !_constraints.IsForbidden(a, b))
                edges.Add((a, b));
            else if (!Closes(b, a) && !_constraints.IsForbidden(b, a))
                edges.Add((b, a));
        }
        return DirectedGraph.Of(edges, _names);

        bool Closes(int parent, int child) => DirectedGraph.Of(edges, _names).AncestorsOf([parent])[child];
    }
}
