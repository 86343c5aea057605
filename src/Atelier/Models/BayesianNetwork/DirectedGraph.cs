namespace Atelier.Models.BayesianNetwork;

/// <summary>A directed acyclic graph over numbered vertices, stored as the parents of each vertex. Immutable.</summary>
public sealed class DirectedGraph
{
    private readonly int[][] _parents;

    /// <summary>Creates a graph from the parents of its vertices.</summary>
    /// <param name="parents">The parents of each vertex. Their order is kept, because tables depend on it.</param>
    /// <param name="names">The names of the vertices, for error messages.</param>
    /// <exception cref="AtelierException">The graph has a cycle, which the message shows, or a duplicate
    /// edge.</exception>
    public DirectedGraph(IReadOnlyList<int[]> parents, IReadOnlyList<string> names)
    {
        _parents = [.. parents];
        for (int child = 0; child < Count; child++)
        {
            if (_parents[child].Distinct().Count() < _parents[child].Length)
                throw new AtelierException($"an edge into {names[child]} appears twice", hint: "write each edge once");
        }
        Order = TopologicalOrder() ?? throw new AtelierException(
            $"the edges form a cycle: {string.Join(" -> ", Cycle().Select(v => names[v]))}",
            hint: "remove one of these edges, or reverse it");
    }

    /// <summary>The number of vertices.</summary>
    public int Count => _parents.Length;

    /// <summary>
    /// All vertices in topological order, parents before children. Where several vertices may come next, the one with
    /// the smallest number does.
    /// </summary>
    public IReadOnlyList<int> Order { get; }

    /// <summary>The parents of a vertex.</summary>
    public IReadOnlyList<int> Parents(int vertex) => _parents[vertex];

    /// <summary>All edges, ordered by child.</summary>
    public IEnumerable<(int Parent, int Child)> Edges =>
        Enumerable.Range(0, Count).SelectMany(child => _parents[child].Select(parent => (parent, child)));

    /// <summary>Whether there is an edge from <paramref name="parent"/> to <paramref name="child"/>.</summary>
    public bool HasEdge(int parent, int child) => Array.IndexOf(_parents[child], parent) >= 0;

    /// <summary>Creates a graph from its edges.</summary>
    /// <inheritdoc cref="DirectedGraph(IReadOnlyList{int[]}, IReadOnlyList{string})"/>
    public static DirectedGraph Of(IEnumerable<(int Parent, int Child)> edges, IReadOnlyList<string> names)
    {
        ILookup<int, int> byChild = edges.ToLookup(e => e.Child, e => e.Parent);
        return new([.. names.Select((_, child) => byChild[child].ToArray())], names);
    }

    /// <summary>
    /// Marks the ancestors of <paramref name="vertices"/>, including the vertices themselves.
    /// </summary>
    public bool[] AncestorsOf(IEnumerable<int> vertices)
    {
        var found = new bool[Count];
        var open = new Stack<int>(vertices);
        while (open.TryPop(out int vertex))
        {
            if (found[vertex])
                continue;
            found[vertex] = true;
            foreach (int parent in _parents[vertex])
                open.Push(parent);
        }
        return found;
    }

    // Kahn 1962; null if there is a cycle
    private int[]? TopologicalOrder()
    {
        int[] waiting = [.. _parents.Select(p => p.Length)];
        ILookup<int, int> children = Edges.ToLookup(e => e.Parent, e => e.Child);
        var ready = new PriorityQueue<int, int>(Enumerable.Range(0, Count).Where(v => waiting[v] == 0)
            .Select(v => (v, v)));
        var order = new List<int>(Count);
        while (ready.TryDequeue(out int vertex, out _))
        {
            order.Add(vertex);
            foreach (int child in children[vertex])
            {
                if (--waiting[child] == 0)
                    ready.Enqueue(child, child);
            }
        }
        return order.Count == Count ? [.. order] : null;
    }

    // Every vertex that remains has a parent that remains, so a walk from child to parent must close a cycle.
    private List<int> Cycle()
    {
        var waiting = new HashSet<int>(Enumerable.Range(0, Count));
        while (waiting.RemoveWhere(v => !_parents[v].Any(waiting.Contains)) > 0)
        {
        }
        var path = new List<int> { waiting.Min() };
        while (true)
        {
            int parent = _parents[path[^1]].First(waiting.Contains);
            int at = path.IndexOf(parent);
            path.Add(parent);
            if (at >= 0)
                return [.. Enumerable.Reverse(path.Skip(at))];
        }
    }
}
