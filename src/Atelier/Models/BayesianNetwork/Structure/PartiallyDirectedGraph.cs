namespace Atelier.Models.BayesianNetwork.Structure;

/// <summary>
/// A graph with directed and undirected edges. It represents an equivalence class of directed graphs, which data alone
/// cannot distinguish (Andersson, Madigan and Perlman 1997).
/// </summary>
internal sealed class PartiallyDirectedGraph
{
    private readonly bool[,] _marks; // [a, b] and [b, a]: a — b; [a, b] alone: a → b

    private PartiallyDirectedGraph(bool[,] marks) => _marks = marks;

    /// <summary>Creates a graph whose edges are all undirected.</summary>
    public static PartiallyDirectedGraph Of(bool[,] adjacent) => new((bool[,])adjacent.Clone());

    /// <summary>
    /// Creates the graph of a directed graph's equivalence class: its skeleton with the edges of its colliders
    /// directed, and all edges whose direction follows from those.
    /// </summary>
    public static PartiallyDirectedGraph ClassOf(DirectedGraph graph)
    {
        var marks = new bool[graph.Count, graph.Count];
        foreach ((int parent, int child) in graph.Edges)
            marks[parent, child] = marks[child, parent] = true;
        var result = new PartiallyDirectedGraph(marks);
        for (int child = 0; child < graph.Count; child++)
        {
            foreach (int a in graph.Parents(child))
            {
                foreach (int b in graph.Parents(child))
                {
                    if (a != b && !graph.HasEdge(a, b) && !graph.HasEdge(b, a))
                        result.Orient(a, child);
                }
            }
        }
        result.Complete();
        return result;
    }

    /// <summary>The number of vertices.</summary>
    public int Count => _marks.GetLength(0);

    /// <summary>Whether an edge of any kind joins two vertices.</summary>
    public bool Adjacent(int a, int b) => _marks[a, b] || _marks[b, a];

    /// <summary>Whether an undirected edge joins two vertices.</summary>
    public bool Undirected(int a, int b) => _marks[a, b] && _marks[b, a];

    /// <summary>Whether a directed edge leads from parent to child.</summary>
    public bool Directed(int parent, int child) => _marks[parent, child] && !_marks[child, parent];

    /// <summary>Directs an undirected edge; a directed edge keeps its direction.</summary>
    public void Orient(int parent, int child)
    {
        if (Undirected(parent, child))
            _marks[child, parent] = false;
    }

    /// <summary>
    /// Directs every edge whose other direction would create a new collider or a cycle (rules 1 to 4 of Meek 1995).
    /// </summary>
    public void Complete()
    {
        bool changed = true;
        while (changed)
        {
            changed = false;
            for (int a = 0; a < Count; a++)
            {
                for (int b = 0; b < Count; b++)
                {
                    if (a == b || !Undirected(a, b) || !Follows(a, b))
                        continue;
                    Orient(a, b);
                    changed = true;
                }
            }
        }
    }

    private bool Follows(int a, int b)
    {
        for (int c = 0; c < Count; c++)
        {
            if (c == a || c == b)
                continue;
            if (Directed(c, a) && !Adjacent(c, b)) // rule 1: c → a — b would become a collider
                return true;
            if (Directed(a, c) && Directed(c, b)) // rule 2: b → a would close a cycle
                return true;
            for (int d = 0; d < Count; d++)
            {
                if (d == a || d == b || d == c || Adjacent(c, d))
                    continue;
                if (Undirected(a, c) && Undirected(a, d) && Directed(c, b) && Directed(d, b)) // rule 3
                    return true;
            }
            for (int d = 0; d < Count; d++)
            {
                if (d == a || d == b || d == c)
                    continue;
                if (Undirected(a, d) && Directed(d, c) && Directed(c, b) && !Adjacent(d, b) && Adjacent(a, c)) // rule 4
                    return true;
            }
        }
        return false;
    }

    /// <summary>
    /// Finds a directed graph of the class (Dor and Tarsi 1992); null if there is none.
    /// </summary>
    /// <param name="order">The order in which vertices are tried as sinks; null takes ascending order.</param>
    public List<(int Parent, int Child)>? Extend(IReadOnlyList<int>? order = null)
    {
        bool[,] marks = (bool[,])_marks.Clone();
        var rest = new PartiallyDirectedGraph(marks);
        var edges = new List<(int, int)>();
        var left = new List<int>(order ?? [.. Enumerable.Range(0, Count)]);
        while (left.Count > 0)
        {
            int at = left.FindIndex(v => rest.MayBeSink(v, left));
            int sink = at < 0 ? -1 : left[at];
            if (sink < 0)
                return null;
            foreach (int other in left)
            {
                if (other == sink || !rest.Adjacent(other, sink))
                    continue;
                edges.Add((other, sink));
                marks[other, sink] = marks[sink, other] = false;
            }
            left.Remove(sink);
        }
        return edges;
    }

    // No edge leaves the vertex, and each neighbour by an undirected edge is adjacent to all its other neighbours.
    private bool MayBeSink(int v, List<int> left)
    {
        foreach (int a in left)
        {
            if (a == v || !Adjacent(a, v))
                continue;
            if (Directed(v, a))
                return false;
            if (Undirected(v, a) && left.Any(b => b != a && b != v && Adjacent(b, v) && !Adjacent(a, b)))
                return false;
        }
        return true;
    }
}
