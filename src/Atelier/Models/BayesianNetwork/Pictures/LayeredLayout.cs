namespace Atelier.Models.BayesianNetwork.Pictures;

/// <summary>
/// Places a graph in layers, parents above children, with few crossings and straight edges (Sugiyama, Tagawa and Toda
/// 1981; Gansner et al. 1993): layers by longest path, long edges through points of their own, orders by medians,
/// places by least squares.
/// </summary>
internal sealed class LayeredLayout
{
    private const int Sweeps = 24;
    private const double Gap = 18; // between neighbours in a layer
    private const double PointWidth = 6; // of a long edge on its way through a layer
    private const double PointWeight = 6; // long edges bend less than short ones slant

    private readonly List<int[]> _layers = [];
    private readonly List<List<int>> _above = []; // neighbours in the layer above, vertices and points alike
    private readonly List<List<int>> _below = [];
    private readonly List<double> _widths;
    private readonly List<int> _layerOf = [];
    private readonly int _vertices;
    private double[] _x = [];

    /// <summary>Places a graph.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="widths">How wide each vertex is.</param>
    public LayeredLayout(DirectedGraph graph, IReadOnlyList<double> widths)
    {
        _vertices = graph.Count;
        _widths = [.. widths];
        FindLayers(graph);
        AddPoints(graph);
        Order();
        Place();
    }

    /// <summary>How many layers there are.</summary>
    public int LayerCount => _layers.Count;

    /// <summary>The width of all together.</summary>
    public double Width { get; private set; }

    /// <summary>A vertex's layer, from 0 at the top.</summary>
    public int LayerOf(int vertex) => _layerOf[vertex];

    /// <summary>The place of a vertex's middle, from 0 at the left.</summary>
    public double X(int vertex) => _x[vertex];

    /// <summary>The route of each edge from layer to layer, including both ends.</summary>
    public Dictionary<(int Parent, int Child), List<(double X, int Layer)>> Ways { get; } = [];

    /// <summary>How many pairs of edges cross.</summary>
    public int Crossings => Enumerable.Range(1, Math.Max(0, _layers.Count - 1)).Sum(CrossingsAbove);

    private void FindLayers(DirectedGraph graph)
    {
        var layer = new int[graph.Count];
        foreach (int v in graph.Order)
            layer[v] = graph.Parents(v).Select(p => layer[p] + 1).DefaultIfEmpty(0).Max();
        // A root stands right above its first child.
        ILookup<int, int> children = graph.Edges.ToLookup(e => e.Parent, e => e.Child);
        for (int v = 0; v < graph.Count; v++)
            if (graph.Parents(v).Count == 0 && children[v].Any())
                layer[v] = children[v].Min(c => layer[c]) - 1;
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
            Ways[(parent, child)] = [(parent, before)]; // filled in once places are known
        }
        for (int layer = 0; layer <= _layerOf.DefaultIfEmpty(-1).Max(); layer++)
            _layers.Add([.. Enumerable.Range(0, _layerOf.Count).Where(v => _layerOf[v] == layer)]);
    }

    private void Join(int above, int below)
    {
        _below[above].Add(below);
        _above[below].Add(above);
    }

    // Down and up again; the order of fewest crossings is kept.
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
            for (int j = i + 1; j < ends.Length; j++)
                crossings += ends[i] > ends[j] ? 1 : 0;
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
        foreach (((int parent, int child), List<(double X, int Layer)> way) in Ways)
        {
            int last = way[0].Layer;
            var points = new List<int> { child };
            for (int point = last; point != parent; point = _above[point][0])
                points.Add(point);
            points.Add(parent);
            points.Reverse();
            way.Clear();
            way.AddRange(points.Select(p => (_x[p], _layerOf[p])));
        }
    }

    // The places nearest to those wished for, in least squares, that keep the order and the gaps: isotonic regression
    // by
    // pooling neighbours that would overlap (Ayer et al. 1955).
    private void Settle(int[] layer, Func<int, double> wish, Func<int, double> weight)
    {
        var blocks = new List<(double Mean, double Weight, int Count)>();
        var offsets = new double[layer.Length];
        for (int i = 0; i < layer.Length; i++)
        {
            if (i > 0)
                offsets[i] = offsets[i - 1] + ((_widths[layer[i - 1]] + _widths[layer[i]]) / 2) + Gap;
            blocks.Add((wish(layer[i]) - offsets[i], weight(layer[i]), 1));
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
            for (int i = 0; i < count; i++, at++)
                _x[layer[at]] = mean + offsets[at];
    }
}
