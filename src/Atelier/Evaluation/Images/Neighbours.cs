using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Evaluation.Images;

/// <summary>
/// Distances between many points, computed in blocks by matrix products, so that they need not all fit in memory.
/// </summary>
internal static class Neighbours
{
    private const long MostDistances = 1 << 23; // at once: 64 MiB

    /// <summary>The squared distances from some points to all others, block after block of rows.</summary>
    /// <param name="points">[n, width].</param>
    /// <param name="others">[m, width].</param>
    /// <param name="take">Receives the number of the first point of a block and its squared distances, [rows, m], which
    /// are disposed afterwards unless they are moved out.</param>
    public static void ForEach(Tensor points, Tensor others, Action<long, Tensor> take)
    {
        using var all = NewDisposeScope();
        long rows = Math.Max(1, MostDistances / others.shape[0]);
        Tensor transposed = others.t().contiguous(), lengths = others.Squared().sum([1]);
        for (long first = 0; first < points.shape[0]; first += rows)
        {
            using var block = NewDisposeScope();
            Tensor some = points.narrow(0, first, Math.Min(rows, points.shape[0] - first));
            // |x − y|² = |x|² + |y|² − 2 x·y, which rounding may take a little below 0
            take(first, some.Squared().sum([1], keepdim: true).Plus(lengths).sub_(some.matmul(transposed).Times(2))
                .relu_());
        }
    }

    /// <summary>Returns the squared distance of each point to its k-th nearest neighbour.</summary>
    /// <param name="points">[n, width].</param>
    /// <param name="k">The values of k, each at most n − 1.</param>
    /// <returns>For each k, [n].</returns>
    public static Tensor[] Radii(Tensor points, params int[] k)
    {
        List<Tensor> nearest = [];
        ForEach(points, points, (first, squared) =>
        {
            squared.diagonal(first).FillWith(double.PositiveInfinity); // a point is not its own neighbour
            nearest.Add(squared.topk(k.Max(), dim: 1, largest: false, sorted: true).values.MoveToOuterDisposeScope()
                .DetachFromDisposeScope());
        });
        using var scope = NewDisposeScope();
        foreach (Tensor part in nearest)
            scope.Attach(part);
        Tensor sorted = cat(nearest);
        return [.. k.Select(n => sorted.select(1, n - 1).clone().MoveToOuterDisposeScope())];
    }

    /// <summary>Returns the nearest other point of each point, and its squared distance.</summary>
    /// <param name="points">[n, width].</param>
    /// <param name="others">The other points in parts, each [m, width], which are disposed.</param>
    public static (int[] Index, double[] Squared) Nearest(Tensor points, IEnumerable<Tensor> others)
    {
        var index = new int[points.shape[0]];
        var squared = new double[index.Length];
        Array.Fill(squared, double.PositiveInfinity);
        int before = 0;
        foreach (Tensor part in others)
        {
            using (part)
            {
                ForEach(points, part, (first, distances) =>
                {
                    (Tensor values, Tensor indexes) = distances.min(1);
                    double[] least = values.to(ScalarType.Float64).data<double>().ToArray();
                    long[] at = indexes.data<long>().ToArray();
                    for (int i = 0; i < least.Length; i++)
                    {
                        if (least[i] < squared[first + i])
                            (squared[first + i], index[first + i]) = (least[i], before + (int)at[i]);
                    }
                });
                before += (int)part.shape[0];
            }
        }
        return (index, squared);
    }
}
