namespace Atelier.Models.BayesianNetwork.Pictures;

/// <summary>
/// A layered layout of a graph: parents above children, few crossings and straight edges (Sugiyama, Tagawa and Toda
/// 1981; Gansner et al. 1993). Layers follow from longest paths, long edges get a dummy vertex in each layer that they
/// cross, vertices are ordered by the mean position of their neighbours, and coordinates are fitted by least squares.
/// </summary>
internal sealed class LayeredLayout
{
    private const int Sweeps = 24;
    private const double Gap = 18; // between neighbours in a layer
    private const double PointWidth = 6; // width of a dummy vertex
    private const double PointWeight = 6; // weight of a dummy vertex in least squares: keeps long edges straight

    private readonly List<int[]> _layers = [];
    private readonly List<List<int>> _above = []; // neighbours in the layer above, of vertices and dummy vertices
    private readonly List<List<int>> _below = [];
    private readonly List<double> _widths;
    private readonly List<int> _layerOf = [];
    private readonly int _vertices;
    private double[] _x = [];

    /// <summary>Computes the layout of a graph.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="widths">The width of each vertex, in pixels.</param>
    public LayeredLayout(DirectedGraph graph, IReadOnlyList<double> widths)
    {
        _vertices = graph.Count;
        _widths = [.. widths];
        FindLayers(graph);
        AddPoints(graph);
        Order();
        Place();
    }

    /// <summary>The number of layers.</summary>
    public int LayerCount => _layers.Count;

    /// <summary>The width of the layout.</summary>
    public double Width { get; private set; }

    /// <summary>The layer of a vertex, counted from 0 at the top.</summary>
    public int LayerOf(int vertex) => _layerOf[vertex];

    /// <summary>The horizontal centre of a vertex, from 0 at the left.</summary>
    public double X(int vertex) => _x[vertex];

    /// <summary>The route of each edge: its horizontal position in each layer, including both ends.</summary>
    public Dictionary<(int Parent, int Child), List<(double X, int Layer)>> Ways { get; } = [];

    /// <summary>The number of edge crossings.</summary>
    public int Crossings => Enumerable.Range(1, Math.Max(0, _layers.Count - 1)).Sum(CrossingsAbove);

    private void FindLayers(DirectedGraph graph)
    {
        var layer = new int[graph.Count];
        foreach (int v in graph.Order)
            layer[v] = graph.Parents(v).Select(p => layer[p] + 1).DefaultIfEmpty(0).Max();
        // Roots move down to the layer above their highest child.
        ILookup<int, int> children = graph.Edges.ToLookup(e => e.Parent, e => e.Child);
        for (int v = 0; v < graph.Count; v++)
        {
            if (graph.Parents(v).Count == 0 && children[v].Any())
                layer[v] = children[v].Min(c => layer[c]) - 1;
        }
        _layerOf.AddRange(layer);
    }

    private void AddPoints(DirectedGraph graph)
    {
        for (int v = 0; v < _vertices; v++)
        {
            _above.Add([]);
            _below.Add([]);
        }
        foreach ((int parent, int child) in graph.Edges)
        {
            int before = parent;
            for (int layer = _layerOf[parent] + 1; layer < _layerOf[child]; layer++)
            {
                int point = _widths.Count;
                _widths.Add(PointWidth);
                _layerOf.Add(layer);
                _above.Add([]);
                _below.Add([]);
                Join(before, point);
                before = point;
            }
            Join(before, child);
            Ways[(parent, child)] = [(parent, before)]; // Place replaces this by coordinates
        }
        for (int layer = 0; layer <= _layerOf.DefaultIfEmpty(-1).Max(); layer++)
            _layers.Add([.. Enumerable.Range(0, _layerOf.Count).Where(v => _layerOf[v] == layer)]);
    }

    private void Join(int above, int below)
    {
        _below[above].Add(below);
        _above[below].Add(above);
    }

    // Sweeps down and up by turns, and keeps the order with the fewest crossings.
    private void Order()
    {
        int fewest = Crossings;
        int[][] best = [.. _layers.Select(l => (int[])l.Clone())];
        for (int sweep = 0; sweep < Sweeps && fewest > 0; sweep++)
        {
            bool down = sweep % 2 == 0;
            for (int step = 1; step < _layers.Count; step++)
            {
                int layer = down ? step : _layers.Count - 1 - step;
                int[] place = Places(down ? layer - 1 : layer + 1);
                List<List<int>> neighbours = down ? _above : _below;
                int[] own = Places(layer);
                _layers[layer] =
                    [.. _layers[layer].OrderBy(v => Middle(neighbours[v], place, own[v])).ThenBy(v => own[v])];
            }
            if (Crossings < fewest)
                (fewest, best) = (Crossings, [.. _layers.Select(l => (int[])l.Clone())]);
        }
        for (int layer = 0; layer < best.Length; layer++)
            _layers[layer] = best[layer];
    }

    private int[] Places(int layer)
    {
        var places = new int[_layerOf.Count];
        for (int i = 0; i < _layers[layer].Length; i++)
            places[_layers[layer][i]] = i;
        return places;
    }

    private static double Middle(List<int> neighbours, int[] place, int own) =>
        neighbours.Count == 0 ? own : neighbours.Average(n => place[n]);

    private int CrossingsAbove(int layer)
    {
        int[] above = Places(layer - 1);
        int[] ends = [.. _layers[layer].SelectMany(v => _above[v].Select(a => above[a]).Order())];
        int crossings = 0;
        for (int i = 0; i < ends.Length; i++)
        {
            for (int j = i + 1; j < ends.Length; j++)
                crossings += ends[i] > ends[j] ? 1 : 0;
        }
        return crossings;
    }

    private void Place()
    {
        _x = new double[_layerOf.Count];
        foreach (int[] layer in _layers)
            Settle(layer, v => 0, _ => 1);
        for (int sweep = 0; sweep < Sweeps; sweep++)
        {
            for (int step = 0; step < _layers.Count; step++)
            {
                int[] layer = _layers[sweep % 2 == 0 ? step : _layers.Count - 1 - step];
                Settle(layer, v => _above[v].Concat(_below[v]).Select(n => _x[n]).DefaultIfEmpty(_x[v]).Average(),
                    v => v < _vertices ? 1 : PointWeight);
            }
        }
        double left = Enumerable.Range(0, _x.Length).Select(v => _x[v] - (_widths[v] / 2)).DefaultIfEmpty(0).Min();
        for (int v = 0; v < _x.Length; v++)
            _x[v] -= left;
        Width = Enumerable.Range(0, _x.Length).Select(v => _x[v] + (_widths[v] / 2)).DefaultIfEmpty(0).Max();
        foreach (((int parent, int child), List<(double X, int Layer)> route) in Ways)
        {
            int last = route[0].Layer; // here still the last vertex before the child
            var points = new List<int> { child };
            for (int point = last; point != parent; point = _above[point][0])
                points.Add(point);
            points.Add(parent);
            points.Reverse();
            route.Clear();
            route.AddRange(points.Select(p => (_x[p], _layerOf[p])));
        }
    }

    // Moves the vertices of a layer as close to their desired positions as their order and the gaps permit, in least
    // squares: isotonic regression by pooling neighbours that would overlap (Ayer et al. 1955).
    private void Settle(int[] layer, Func<int, double> desired, Func<int, double> weight)
    {
        var blocks = new List<(double Mean, double Weight, int Count)>();
        var offsets = new double[layer.Length];
        for (int i = 0; i < layer.Length; i++)
        {
            if (i > 0)
                offsets[i] = offsets[i - 1] + ((_widths[layer[i - 1]] + _widths[layer[i]]) / 2) + Gap;
            blocks.Add((desired(layer[i]) - offsets[i], weight(layer[i]), 1));
            while (blocks.Count > 1 && blocks[^2].Mean > blocks[^1].Mean)
            {
                (double mean, double heavy, int count) = blocks[^1];
                blocks.RemoveAt(blocks.Count - 1);
                (double before, double other, int others) = blocks[^1];
                blocks[^1] = (((mean * heavy) + (before * other)) / (heavy + other), heavy + other, count + others);
            }
        }
        int at = 0;
        foreach ((double mean, _, int count) in blocks)
        {
            for (int i = 0; i < count; i++, at++)
                _x[layer[at]] = mean + offsets[at];
        }
    }
}
