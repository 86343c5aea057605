namespace Atelier.Models.BayesianNetwork.Inference;

/// <summary>The options of bucket elimination.</summary>
internal sealed record BucketOptions
{
    /// <summary>
    /// The largest number of cells of a product. Larger products are split, which makes the result an upper bound.
    /// </summary>
    public double MostCells { get; init; } = double.PositiveInfinity;

    /// <summary>Whether variables are maximised out instead of summed out.</summary>
    public bool Maximise { get; init; }

    /// <summary>A limit that is cheap for any network.</summary>
    public static BucketOptions Bounded { get; } = new() { MostCells = 1 << 16 };
}

/// <summary>
/// Bucket elimination (Dechter 1999): sums out all variables of some factors one after another. If a product would be
/// too large, its factors are split into parts, all but the first of which are maximised out instead (mini-buckets:
/// Dechter and Rish 2003). The result is then an upper bound, which is zero only if the exact sum is zero.
/// </summary>
internal sealed class Buckets
{
    private Buckets(EliminationOrder order, Bucket[] all, double logSum, bool isExact) =>
        (Order, All, LogSum, IsExact) = (order, all, logSum, isExact);

    /// <summary>The order of elimination.</summary>
    public EliminationOrder Order { get; }

    /// <summary>One bucket for each variable, in the order of elimination.</summary>
    public IReadOnlyList<Bucket> All { get; }

    /// <summary>
    /// The logarithm of the sum (or the maximum) of the product of all factors, or an upper bound of it.
    /// </summary>
    public double LogSum { get; }

    /// <summary>Whether no bucket was split, so that the result is exact.</summary>
    public bool IsExact { get; }

    /// <summary>Whether the sum is zero.</summary>
    public bool IsImpossible => double.IsNegativeInfinity(LogSum);

    /// <summary>Eliminates all variables in an order that is found greedily.</summary>
    public static Buckets Collect(DiscreteNetwork network, IReadOnlyList<Factor> factors, BucketOptions options,
        CancellationToken cancellation)
    {
        EliminationOrder order = EliminationOrder.Find(network.Variables.Count, [.. factors.Select(f => f.Scope)],
            network.StatesOf, keep: [], cancellation);
        return Collect(network, factors, order, options, cancellation);
    }

    /// <summary>Eliminates all variables in a given order.</summary>
    public static Buckets Collect(DiscreteNetwork network, IReadOnlyList<Factor> factors, EliminationOrder order,
        BucketOptions options, CancellationToken cancellation)
    {
        Bucket[] buckets = [.. order.Variables.Select(v => new Bucket(v))];
        var places = new int[network.Variables.Count];
        for (int k = 0; k < buckets.Length; k++)
            places[order.Variables[k]] = k;
        double logSum = 0;
        bool isExact = true;
        foreach (Factor factor in factors)
            Place(factor, isMessage: false);
        foreach (Bucket bucket in buckets)
        {
            cancellation.ThrowIfCancellationRequested();
            List<List<Factor>> parts = Split(bucket.Functions, options.MostCells, network.StatesOf);
            isExact &= parts.Count == 1;
            for (int i = 0; i < parts.Count; i++)
            {
                int[] scope = [.. parts[i].SelectMany(f => f.Scope).Distinct()
                    .Where(v => v != bucket.Variable).Order()];
                bool maximise = options.Maximise || i > 0;
                Factor message = Factor.Project(parts[i], scope, network.StatesOf, maximise, cancellation)
                    .Scaled(out double greatest);
                logSum += Math.Log(greatest);
                if (scope.Length > 0)
                    bucket.Up.Add((message, Place(message, isMessage: true)));
            }
            if (double.IsNegativeInfinity(logSum))
                break;
        }
        return new Buckets(order, buckets, logSum, isExact);

        int Place(Factor factor, bool isMessage)
        {
            if (factor.Scope.Length == 0)
            {
                logSum += Math.Log(factor.Values[0]);
                return -1;
            }
            int k = factor.Scope.Min(v => places[v]);
            buckets[k].Functions.Add(factor);
            if (!isMessage)
                buckets[k].Own.Add(factor);
            return k;
        }
    }

    // Greedily, largest first: each factor joins the first part that stays small enough.
    private static List<List<Factor>> Split(List<Factor> factors, double mostCells, Func<int, int> statesOf)
    {
        if (Factor.CellsOf(factors.SelectMany(f => f.Scope).Distinct(), statesOf) <= mostCells)
            return [factors];
        var parts = new List<List<Factor>>();
        foreach (Factor factor in factors.OrderByDescending(f => f.Values.Length))
        {
            if (parts.Find(p => Fits(p, factor)) is { } part)
                part.Add(factor);
            else
                parts.Add([factor]);
        }
        return parts;

        bool Fits(List<Factor> part, Factor factor) =>
            Factor.CellsOf(part.Append(factor).SelectMany(f => f.Scope).Distinct(), statesOf) <= mostCells;
    }

    /// <summary>The factors that are multiplied when a variable is eliminated.</summary>
    internal sealed class Bucket(int variable)
    {
        /// <summary>The variable that this bucket eliminates.</summary>
        public int Variable { get; } = variable;

        /// <summary>
        /// All factors over this variable and later ones: factors of the network, and messages of earlier buckets.
        /// </summary>
        public List<Factor> Functions { get; } = [];

        /// <summary>The factors of the network among them.</summary>
        public List<Factor> Own { get; } = [];

        /// <summary>The messages that this bucket sent, and the index of the bucket that received each.</summary>
        public List<(Factor Message, int To)> Up { get; } = [];
    }
}
