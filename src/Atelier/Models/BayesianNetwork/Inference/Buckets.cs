namespace Atelier.Models.BayesianNetwork.Inference;

/// <summary>How factors are summed out.</summary>
internal sealed record BucketOptions
{
    /// <summary>The most cells of a product; what would have more is split, and the result is an upper bound.</summary>
    public double MostCells { get; init; } = double.PositiveInfinity;

    /// <summary>Takes the greatest product instead of the sum.</summary>
    public bool Maximise { get; init; }

    /// <summary>A bound that any network can afford.</summary>
    public static BucketOptions Bounded { get; } = new() { MostCells = 1 << 16 };
}

/// <summary>
/// All variables of some factors summed out one after another (bucket elimination: Dechter 1999). Where a product would
/// be too large, its factors are split into parts of which all but the first are maximised out (mini-buckets: Dechter
/// and Rish 2003): the result is then an upper bound that is zero only where the exact sum is zero.
/// </summary>
internal sealed class Buckets
{
    private Buckets(EliminationOrder order, Bucket[] all, double logSum, bool isExact) =>
        (Order, All, LogSum, IsExact) = (order, all, logSum, isExact);

    /// <summary>The order of elimination.</summary>
    public EliminationOrder Order { get; }

    /// <summary>A bucket a variable, in the order of elimination.</summary>
    public IReadOnlyList<Bucket> All { get; }

    /// <summary>
    /// The logarithm of the sum (or greatest value) of the product of all factors, or of its upper bound.
    /// </summary>
    public double LogSum { get; }

    /// <summary>Whether nothing was split.</summary>
    public bool IsExact { get; }

    /// <summary>Whether the sum is certainly zero.</summary>
    public bool IsImpossible => double.IsNegativeInfinity(LogSum);

    /// <summary>Sums out all variables in a good order.</summary>
    public static Buckets Collect(DiscreteNetwork network, IReadOnlyList<Factor> factors, BucketOptions options,
        CancellationToken cancellation) =>
        Collect(network, factors, EliminationOrder.Find(network.Variables.Count, [.. factors.Select(f => f.Scope)],
            network.StatesOf, keep: [], cancellation), options, cancellation);

    /// <summary>Sums out all variables in a given order.</summary>
    public static Buckets Collect(
        DiscreteNetwork network, IReadOnlyList<Factor> factors, EliminationOrder order, BucketOptions options,
            CancellationToken cancellation)
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
                int[] scope = [.. parts[i].SelectMany(f => f.Scope).Distinct().Where(v =>
                    v != bucket.Variable).Order()];
                Factor message = Factor.Project(parts[i], scope, network.StatesOf, options.Maximise || i > 0,
                    cancellation).Scaled(out double greatest);
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

    // Greedily, the largest first, each to the first part that stays small enough.
    private static List<List<Factor>> Split(List<Factor> factors, double mostCells, Func<int, int> statesOf)
    {
        if (Factor.CellsOf(factors.SelectMany(f => f.Scope).Distinct(), statesOf) <= mostCells)
            return [factors];
        var parts = new List<List<Factor>>();
        foreach (Factor factor in factors.OrderByDescending(f => f.Values.Length))
        {
            if (parts.Find(p => Factor.CellsOf(p.Append(factor).SelectMany(f => f.Scope).Distinct(),
                statesOf) <= mostCells) is { } part)
                part.Add(factor);
            else
                parts.Add([factor]);
        }
        return parts;
    }

    /// <summary>What meets where a variable is eliminated.</summary>
    internal sealed class Bucket(int variable)
    {
        public int Variable { get; } = variable;

        /// <summary>
        /// All factors over this variable and later ones: the network's own, and messages of earlier buckets.
        /// </summary>
        public List<Factor> Functions { get; } = [];

        /// <summary>Those of the network.</summary>
        public List<Factor> Own { get; } = [];

        /// <summary>What it sent on, and to which bucket.</summary>
        public List<(Factor Message, int To)> Up { get; } = [];
    }
}
