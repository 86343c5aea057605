namespace Atelier.Models.BayesianNetwork.Structure;

/// <summary>
/// Learns the maximum-likelihood tree (Chow and Liu 1968): the spanning tree with the largest total mutual information
/// of its edges, directed away from a root.
/// </summary>
internal static class ChowLiu
{
    /// <summary>Learns the tree, or a forest if some variables are independent or their edges are forbidden.</summary>
    /// <param name="counter">Counts the rows.</param>
    /// <param name="names">The names of the variables.</param>
    /// <param name="constraints">The required and forbidden edges.</param>
    /// <param name="root">The index of the root; null takes the first variable that satisfies the
    /// constraints.</param>
    /// <exception cref="AtelierException">No root directs the edges as the constraints require.</exception>
    public static DirectedGraph Learn(FamilyCounter counter, IReadOnlyList<string> names,
        StructureConstraints constraints, int? root)
    {
        int count = names.Count;
        var information = new double[count, count];
        Parallel.For(0, count, a =>
        {
            for (int b = a + 1; b < count; b++)
            {
                bool must = constraints.IsRequired(a, b) || constraints.IsRequired(b, a);
                bool may = !constraints.IsForbidden(a, b) || !constraints.IsForbidden(b, a);
                information[a, b] = information[b, a] =
                    must ? double.PositiveInfinity : may ? MutualInformation(counter, a, b) : 0;
            }
        });
        List<int>[] neighbours = Span(information, count);
        foreach (int start in root is { } asked ? [asked] : Enumerable.Range(0, count))
        {
            List<(int Parent, int Child)> edges = Direct(neighbours, start);
            if (constraints.Allows(edges))
                return DirectedGraph.Of(edges, names);
        }
        throw new AtelierException("no tree fits the required and forbidden edges", "model.root",
            "remove some, choose another root, or use model.structure hill-climbing");
    }

    /// <summary>
    /// Computes the mutual information I(a; b) in nats, over the rows that have values of both variables.
    /// </summary>
    public static double MutualInformation(FamilyCounter counter, int a, int b)
    {
        int rows = counter.StatesOf(a), columns = counter.StatesOf(b);
        var counts = new int[rows * columns];
        counter.Count([a, b], counts);
        var ofA = new double[rows];
        var ofB = new double[columns];
        double all = 0;
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++)
            {
                int n = counts[(i * columns) + j];
                ofA[i] += n;
                ofB[j] += n;
                all += n;
            }
        }
        double sum = 0;
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++)
            {
                double n = counts[(i * columns) + j];
                if (n > 0)
                    sum += n / all * Math.Log(n * all / (ofA[i] * ofB[j]));
            }
        }
        return sum;
    }

    // The maximum spanning forest (Prim 1957); weights of 0 are no edges.
    private static List<int>[] Span(double[,] weights, int count)
    {
        List<int>[] neighbours = [.. Enumerable.Range(0, count).Select(_ => new List<int>())];
        var reached = new bool[count];
        var best = new double[count];
        int[] from = [.. Enumerable.Repeat(-1, count)];
        for (int step = 0; step < count; step++)
        {
            int next = -1;
            for (int v = 0; v < count; v++)
            {
                if (!reached[v] && (next < 0 || best[v] > best[next]))
                    next = v;
            }
            reached[next] = true;
            if (from[next] >= 0)
            {
                neighbours[next].Add(from[next]);
                neighbours[from[next]].Add(next);
            }
            for (int v = 0; v < count; v++)
            {
                if (!reached[v] && weights[next, v] > best[v])
                    (best[v], from[v]) = (weights[next, v], next);
            }
        }
        return neighbours;
    }

    private static List<(int Parent, int Child)> Direct(List<int>[] neighbours, int start)
    {
        var edges = new List<(int, int)>();
        var reached = new bool[neighbours.Length];
        foreach (int root in Enumerable.Range(0, neighbours.Length).Prepend(start))
        {
            var open = new Stack<int>();
            if (!reached[root])
                open.Push(root);
            reached[root] = true;
            while (open.TryPop(out int parent))
            {
                foreach (int child in neighbours[parent])
                {
                    if (reached[child])
                        continue;
                    reached[child] = true;
                    edges.Add((parent, child));
                    open.Push(child);
                }
            }
        }
        return edges;
    }
}
