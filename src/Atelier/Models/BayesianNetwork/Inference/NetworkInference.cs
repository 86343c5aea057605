using System.Globalization;

namespace Atelier.Models.BayesianNetwork.Inference;

/// <summary>Answers under evidence: exactly where the network's cliques are small enough, by likelihood weighting otherwise.</summary>
public sealed class NetworkInference
{
    private const int WeightedRows = 200_000;

    private readonly JunctionTree? _tree;
    private readonly long _seed;

    /// <summary>Prepares answers about a network.</summary>
    /// <param name="network">The network, after interventions.</param>
    /// <param name="seed">Of approximate answers.</param>
    /// <param name="mostCells">The most cells of cliques that are answered exactly.</param>
    public NetworkInference(DiscreteNetwork network, long seed = 1, double mostCells = JunctionTree.MostCells)
    {
        (Network, _seed) = (network, seed);
        Order = EliminationOrder.Of(network);
        _tree = Order.TotalCells <= mostCells ? JunctionTree.Compile(network) : null;
    }

    /// <summary>The network.</summary>
    public DiscreteNetwork Network { get; }

    /// <summary>The order of elimination, and what exact answers cost.</summary>
    public EliminationOrder Order { get; }

    /// <summary>Whether answers are exact.</summary>
    public bool IsExact => _tree is not null;

    /// <summary>How answers come about, for people.</summary>
    public string Method => string.Create(CultureInfo.InvariantCulture, $"{(IsExact ? "exact" : $"about, from {WeightedRows} weighted rows")} (treewidth at most {Order.Width}, {Order.TotalCells:0.###e+0} cells)");

    /// <summary>P(x | e) of each variable.</summary>
    /// <exception cref="AtelierException">The evidence has probability zero.</exception>
    public double[][] Marginals(IReadOnlyDictionary<int, int> evidence)
    {
        if (_tree is null)
        {
            var weighted = LikelihoodWeighting.Draw(Network, evidence, WeightedRows, _seed);
            return [.. Enumerable.Range(0, Network.Variables.Count).Select(weighted.Marginal)];
        }
        var calibration = new Calibration(_tree);
        calibration.Set(evidence);
        return [.. Enumerable.Range(0, Network.Variables.Count).Select(i =>
        {
            var distribution = new double[Network.StatesOf(i)];
            calibration.Marginal(i, distribution);
            return distribution;
        })];
    }

    /// <summary>P(targets | e), the first target slowest.</summary>
    /// <exception cref="AtelierException">The evidence has probability zero.</exception>
    public double[] Joint(IReadOnlyList<int> targets, IReadOnlyDictionary<int, int> evidence)
    {
        if (_tree is not null)
            return VariableElimination.Query(Network, targets, evidence);
        var weighted = LikelihoodWeighting.Draw(Network, evidence, WeightedRows, _seed);
        var joint = new double[targets.Aggregate(1, (product, t) => product * Network.StatesOf(t))];
        for (int row = 0; row < WeightedRows; row++)
            joint[targets.Aggregate(0, (place, t) => (place * Network.StatesOf(t)) + weighted.Columns[t][row])] += weighted.Weights[row];
        double sum = joint.Sum();
        return [.. joint.Select(p => p / sum)];
    }

    /// <summary>The most probable row, and ln P of it.</summary>
    /// <exception cref="AtelierException">The evidence has probability zero, or the network is too large for an exact answer.</exception>
    public (byte[] States, double LogProbability) MostProbable(IReadOnlyDictionary<int, int> evidence) =>
        new Calibration(_tree ?? JunctionTree.Compile(Network)).MostProbable(evidence);

    /// <summary>Draws rows given evidence, [variable][row].</summary>
    /// <exception cref="AtelierException">The evidence has probability zero.</exception>
    public byte[][] Draw(IReadOnlyDictionary<int, int> evidence, int rows, long seed, CancellationToken cancellation = default)
    {
        if (evidence.Count == 0)
            return new AncestralSampler(Network).Draw(rows, seed, cancellation);
        if (_tree is not null)
            return AncestralSampler.Given(_tree, evidence).Draw(rows, seed, cancellation);
        var weighted = LikelihoodWeighting.Draw(Network, evidence, Math.Max(WeightedRows, rows), seed);
        int[] chosen = weighted.Resample(rows, seed);
        return [.. weighted.Columns.Select(column => Array.ConvertAll(chosen, row => column[row]))];
    }

    /// <summary>P(parents, x) of each variable, laid out as its table; from drawn rows where exact ones are too large.</summary>
    internal double[][] Families()
    {
        double[][] families = [.. Enumerable.Range(0, Network.Variables.Count).Select(i => new double[Network.Table(i).Length])];
        if (_tree is not null)
        {
            var calibration = new Calibration(_tree);
            calibration.Set(new Dictionary<int, int>());
            for (int i = 0; i < families.Length; i++)
                calibration.AddFamily(i, _tree.Cliques[_tree.FamilyCliqueOf[i]].IndicesInto([.. Network.Graph.Parents(i), i], Network), 1, families[i]);
            return families;
        }
        var counter = new Structure.FamilyCounter(new DiscreteData(Network.Variables, new AncestralSampler(Network).Draw(WeightedRows, _seed)));
        for (int i = 0; i < families.Length; i++)
        {
            var counts = new int[families[i].Length];
            counter.Count([.. Network.Graph.Parents(i), i], counts);
            families[i] = Array.ConvertAll(counts, n => (double)n / WeightedRows);
        }
        return families;
    }
}
