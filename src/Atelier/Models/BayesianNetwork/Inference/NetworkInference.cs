using System.Globalization;

namespace Atelier.Models.BayesianNetwork.Inference;

/// <summary>
/// Inference on a network given evidence. Each query is reduced to the relevant part of the network
/// (<see cref="Relevance"/>) and answered exactly if that part is small enough. Otherwise it is answered approximately
/// by <see cref="ImportanceSampling"/>, with confidence intervals, or refused. Safe for concurrent use.
/// </summary>
public sealed class NetworkInference
{
    /// <summary>The number of rows from which <see cref="Families"/> are estimated if they are not exact.</summary>
    internal const int SampledRows = 200_000;
    private const double MostCompiledCells = 1 << 18; // above, answering one query is faster than compiling the network
    private const double MostFamilyCells = 1 << 27; // takes a second or two

    private readonly InferenceOptions _options;
    private readonly Lazy<JunctionTree?> _tree;
    private EliminationOrder? _order; // found once, unless it is cancelled

    /// <summary>Creates the inference for a network.</summary>
    /// <param name="network">The network, after interventions.</param>
    /// <param name="options">The limits of inference; null takes the defaults.</param>
    /// <exception cref="AtelierException">The precision is not above 0.</exception>
    public NetworkInference(DiscreteNetwork network, InferenceOptions? options = null)
    {
        Network = network;
        _options = options ?? new InferenceOptions();
        if (!(_options.Precision > 0))
            throw new AtelierException(FormattableString.Invariant($"a precision of {_options.Precision}"),
                Mention.Field("precision"), "allowed: above 0");
        _tree = new(() => Order.TotalCells <= Math.Min(MostCompiledCells, _options.MostCells)
            ? JunctionTree.Compile(network, Order) : null);
    }

    /// <summary>The network.</summary>
    public DiscreteNetwork Network { get; }

    /// <summary>The elimination order of the whole network, with the cost of exact inference.</summary>
    public EliminationOrder Order => FindOrder(CancellationToken.None);

    /// <summary>
    /// Whether all queries are answered exactly. If false, only queries whose relevant part is small enough are.
    /// </summary>
    public bool IsExact => _options.Allows(Order);

    /// <summary>A description of the inference method for the user.</summary>
    public string Method =>
        (IsExact ? "exactly" : "exactly where possible, otherwise by importance sampling")
        + FormattableString.Invariant($" (treewidth at most {Order.Width}, {Cells(Order.TotalCells)} cells)");

    /// <summary>Computes the marginal P(x | e) of each of several variables.</summary>
    /// <param name="targets">The indices of the variables, none of them observed.</param>
    /// <param name="evidence">The index of the state of each observed variable, by the index of the variable.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">
    /// The evidence has probability zero, or the required precision is not reached.
    /// </exception>
    public Posterior[] Marginals(IReadOnlyList<int> targets, IReadOnlyDictionary<int, int> evidence,
        CancellationToken cancellation = default)
    {
        FindOrder(cancellation);
        if (_tree.Value is { } tree)
        {
            var calibration = new Calibration(tree);
            calibration.Set(evidence);
            return [.. targets.Select(i => calibration.Marginal(i)).Select(p => new Posterior(p, null))];
        }
        if (targets.Count == 1)
            return [Joint(targets, evidence, cancellation)];
        var answers = new Posterior?[targets.Count];
        Relevance relevance = Relevance.Of(Network, [.. targets], evidence);
        EliminationOrder order = VariableElimination.OrderOf(Network, [], relevance, cancellation);
        if (_options.Allows(order))
        {
            relevance.CheckOthers(Network, evidence, cancellation);
            BucketTree all = TreeOf(relevance, order, evidence, cancellation);
            return [.. targets.Select(i => new Posterior(all.Distribution(i), null))];
        }
        for (int i = 0; i < answers.Length; i++)
            answers[i] = Exact([targets[i]], evidence, cancellation);
        int[] open = [.. Enumerable.Range(0, answers.Length).Where(i => answers[i] is null)];
        if (open.Length > 0)
        {
            int[] rest = [.. open.Select(i => targets[i])];
            Posterior[] estimated = new ImportanceSampling(Network, rest, evidence, _options, cancellation)
                .Estimate([.. rest.Select(t => (int[])[t])]);
            for (int i = 0; i < open.Length; i++)
                answers[open[i]] = estimated[i];
        }
        return [.. answers.Select(a => a!)];
    }

    /// <summary>Computes the joint distribution P(targets | e), in row-major order of the targets.</summary>
    /// <inheritdoc cref="Marginals"/>
    public Posterior Joint(IReadOnlyList<int> targets, IReadOnlyDictionary<int, int> evidence,
        CancellationToken cancellation = default) =>
        Exact(targets, evidence, cancellation)
            ?? new ImportanceSampling(Network, [.. targets], evidence, _options, cancellation)
                .Estimate([[.. targets]])[0];

    /// <summary>
    /// Computes the most probable row given evidence, and the natural logarithm of its probability (bucket elimination:
    /// Dechter 1999, elim-mpe).
    /// </summary>
    /// <exception cref="AtelierException">The evidence has probability zero, or the network is too large for an exact
    /// answer.</exception>
    public (byte[] States, double LogProbability) MostProbable(IReadOnlyDictionary<int, int> evidence,
        CancellationToken cancellation = default)
    {
        Relevance all = Relevance.Of(Network, Unobserved(evidence), evidence);
        IReadOnlyList<Factor> factors = [.. all.Factors, .. all.Others.SelectMany(part => part)];
        EliminationOrder order = EliminationOrder.Find(Network.Variables.Count, [.. factors.Select(f => f.Scope)],
            Network.StatesOf, keep: [], cancellation);
        if (!_options.Allows(order))
        {
            throw new AtelierException(FormattableString.Invariant(
                $"the most probable values would take {order.TotalCells:0.#e+0} cells (treewidth up to {order.Width})"),
                Mention.Field("mostProbable"),
                $"give more evidence, or ask for single variables by {Mention.Field("targets")}");
        }
        var buckets = Buckets.Collect(Network, factors, order, new BucketOptions { Maximise = true }, cancellation);
        if (buckets.IsImpossible)
            throw Evidence.Impossible(Network, evidence);
        var states = new byte[Network.Variables.Count];
        foreach ((int variable, int state) in evidence)
            states[variable] = (byte)state;
        new BucketWalk(Network, buckets).TakeBest(states);
        return (states, Network.LogProbability(states));
    }

    /// <summary>Samples rows given evidence.</summary>
    /// <returns>
    /// The states, [variable][row], and the effective number of weighted rows that they were resampled from; null if
    /// they are exact samples.
    /// </returns>
    /// <exception cref="AtelierException">
    /// The evidence has probability zero, or there are too few effective rows.
    /// </exception>
    public (byte[][] Columns, double? EffectiveRows) Sample(IReadOnlyDictionary<int, int> evidence, int rows, long seed,
        CancellationToken cancellation = default)
    {
        if (evidence.Count == 0)
            return (new RowSampler(Network).Sample(rows, seed, cancellation), null);
        FindOrder(cancellation);
        if (_tree.Value is { } tree)
            return (RowSampler.Given(tree, evidence).Sample(rows, seed, cancellation), null);
        return new ImportanceSampling(Network, Unobserved(evidence), evidence, _options, cancellation)
            .Sample(rows, seed);
    }

    /// <summary>
    /// Whether <see cref="Families"/> are exact; otherwise they are estimated from sampled rows.
    /// </summary>
    internal bool HasExactFamilies => _options.Allows(Order) && Order.TotalCells <= MostFamilyCells;

    /// <summary>
    /// Computes the joint distribution P(parents, x) of each variable, laid out as its table. If that would take long,
    /// it is estimated from sampled rows.
    /// </summary>
    internal double[][] Families(CancellationToken cancellation = default)
    {
        int[][] families = [.. Enumerable.Range(0, Network.Variables.Count)
            .Select(i => Network.Graph.Parents(i).Append(i).ToArray())];
        var nothing = new Dictionary<int, int>();
        FindOrder(cancellation);
        if (HasExactFamilies)
        {
            BucketTree all = TreeOf(Relevance.Of(Network, Unobserved(nothing), nothing), Order, nothing, cancellation);
            return [.. families.Select(all.Distribution)];
        }
        byte[][] rows = new RowSampler(Network).Sample(SampledRows, _options.Seed, cancellation);
        var counter = new Structure.FamilyCounter(new DiscreteData(Network.Variables, rows));
        return [.. families.Select(family =>
        {
            var counts = new int[(int)Factor.CellsOf(family, Network.StatesOf)];
            counter.Count(family, counts);
            return Array.ConvertAll(counts, n => (double)n / SampledRows);
        })];
    }

    private EliminationOrder FindOrder(CancellationToken cancellation) =>
        _order ??= EliminationOrder.Of(Network, cancellation);

    private Posterior? Exact(IReadOnlyList<int> targets, IReadOnlyDictionary<int, int> evidence,
        CancellationToken cancellation)
    {
        Relevance relevance = Relevance.Of(Network, [.. targets], evidence);
        EliminationOrder order = VariableElimination.OrderOf(Network, targets, relevance, cancellation);
        return _options.Allows(order)
            ? new Posterior(VariableElimination.Query(Network, targets, evidence, relevance, order, cancellation), null)
            : null;
    }

    private BucketTree TreeOf(Relevance relevance, EliminationOrder order, IReadOnlyDictionary<int, int> evidence,
        CancellationToken cancellation)
    {
        var buckets = Buckets.Collect(Network, relevance.Factors, order, new BucketOptions(), cancellation);
        return buckets.IsImpossible ? throw Evidence.Impossible(Network, evidence)
            : new BucketTree(Network, buckets, cancellation);
    }

    private int[] Unobserved(IReadOnlyDictionary<int, int> evidence) =>
        [.. Enumerable.Range(0, Network.Variables.Count).Where(i => !evidence.ContainsKey(i))];

    private static string Cells(double count) =>
        count.ToString(count < 1e6 ? "#,0" : "0.###e+0", CultureInfo.InvariantCulture);
}
