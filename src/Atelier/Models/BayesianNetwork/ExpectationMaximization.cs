using Atelier.Models.BayesianNetwork.Inference;
using Atelier.Models.BayesianNetwork.Structure;

namespace Atelier.Models.BayesianNetwork;

/// <summary>
/// Learns tables from rows with missing values by expectation maximisation (Lauritzen 1995). Each iteration replaces
/// the counts of missing values by their expectations under the current network. The log-likelihood of the observed
/// values plus the log-prior never decreases (Dempster, Laird and Rubin 1977).
/// </summary>
internal sealed class ExpectationMaximization
{
    // The rows are split into a fixed number of parts, whose sums are added in order, so that the result does not
    // depend on the number of cores.
    private const int Parts = 32;

    private readonly DirectedGraph _graph;
    private readonly double _equivalentSampleSize;
    private readonly IReadOnlyList<Variable> _variables;
    private readonly double[][] _complete;
    private readonly (SortedDictionary<int, int> Evidence, int Count)[] _incomplete;

    /// <summary>Counts the complete rows, and groups the others by their observed values.</summary>
    /// <param name="data">The rows, some of them with missing values.</param>
    /// <param name="graph">The structure.</param>
    /// <param name="equivalentSampleSize">The equivalent sample size of the prior; 0 gives maximum
    /// likelihood.</param>
    public ExpectationMaximization(DiscreteData data, DirectedGraph graph, double equivalentSampleSize)
    {
        (_graph, _variables, _equivalentSampleSize) = (graph, data.Variables, equivalentSampleSize);
        var whole = new List<int>();
        var broken = new Dictionary<string, (SortedDictionary<int, int> Evidence, int Count)>();
        var states = new byte[data.Variables.Count];
        for (int row = 0; row < data.RowCount; row++)
        {
            data.Read(row, states);
            if (!states.Contains(DiscreteData.Missing))
            {
                whole.Add(row);
                continue;
            }
            string key = Convert.ToHexString(states);
            broken[key] = broken.TryGetValue(key, out var known) ? (known.Evidence, known.Count + 1)
                : (EvidenceOf(states), 1);
        }
        _incomplete = [.. broken.OrderBy(b => b.Key, StringComparer.Ordinal).Select(b => b.Value)];
        var counter = new FamilyCounter(data.Select(whole));
        _complete = [.. Enumerable.Range(0, graph.Count)
            .Select(child => ParameterLearning.Counts(counter, Family(child)))];
    }

    /// <summary>
    /// Returns the observed values of a row as evidence: the index of the state by the index of the variable.
    /// </summary>
    public static SortedDictionary<int, int> EvidenceOf(ReadOnlySpan<byte> states)
    {
        var evidence = new SortedDictionary<int, int>();
        for (int i = 0; i < states.Length; i++)
        {
            if (states[i] != DiscreteData.Missing)
                evidence[i] = states[i];
        }
        return evidence;
    }

    /// <summary>
    /// Creates the initial network from the counts of the complete rows plus small random counts, so that nothing is
    /// impossible.
    /// </summary>
    public DiscreteNetwork Start(long seed)
    {
        var random = new SplitMix64((ulong)seed);
        double[][] counts = [.. _complete.Select(c => c.ToArray())];
        foreach (double[] table in counts)
        {
            // The counts are random because the states of a hidden variable would never separate from equal ones.
            foreach (ref double count in table.AsSpan())
                count += 0.5 + random.NextDouble();
        }
        return ParameterLearning.Network(_variables, _graph, _equivalentSampleSize, counts);
    }

    /// <summary>Performs one iteration.</summary>
    /// <returns>The new network, and the log-likelihood of the observed values under the old one, in nats.</returns>
    public (DiscreteNetwork Network, double LogLikelihood) Improve(DiscreteNetwork network,
        CancellationToken cancellation)
    {
        var tree = JunctionTree.Compile(network);
        int[][] indices = [.. Enumerable.Range(0, _graph.Count)
            .Select(child => tree.Cliques[tree.FamilyCliqueOf[child]].IndicesInto(Family(child), network))];
        var parts = new (double[][] Counts, double LogLikelihood)[Parts];
        Parallel.For(0, Parts, new ParallelOptions { CancellationToken = cancellation }, part =>
        {
            double[][] expected = [.. _complete.Select(c => new double[c.Length])];
            var calibration = new Calibration(tree);
            double logLikelihood = 0;
            for (int i = part; i < _incomplete.Length; i += Parts)
            {
                (SortedDictionary<int, int> evidence, int weight) = _incomplete[i];
                calibration.Set(evidence);
                logLikelihood += weight * calibration.LogEvidence;
                for (int child = 0; child < expected.Length; child++)
                    calibration.AddFamily(child, indices[child], weight, expected[child]);
            }
            parts[part] = (expected, logLikelihood);
        });
        double[][] counts = [.. _complete.Select(c => c.ToArray())];
        double sum = CompleteLogLikelihood(network);
        foreach ((double[][] expected, double logLikelihood) in parts)
        {
            sum += logLikelihood;
            for (int child = 0; child < counts.Length; child++)
            {
                for (int cell = 0; cell < counts[child].Length; cell++)
                    counts[child][cell] += expected[child][cell];
            }
        }
        return (ParameterLearning.Network(_variables, _graph, _equivalentSampleSize, counts), sum);
    }

    /// <summary>
    /// The logarithm of the prior density of a network's tables, up to a constant: ∑ α ln θ. 0 without a prior.
    /// </summary>
    public double LogPrior(DiscreteNetwork network)
    {
        double sum = 0;
        for (int child = 0; child < _graph.Count && _equivalentSampleSize > 0; child++)
        {
            ReadOnlySpan<double> table = network.Table(child);
            foreach (double p in table)
                sum += _equivalentSampleSize / table.Length * Math.Log(p);
        }
        return sum;
    }

    private int[] Family(int child) => [.. _graph.Parents(child), child];

    private double CompleteLogLikelihood(DiscreteNetwork network)
    {
        double sum = 0;
        for (int child = 0; child < _complete.Length; child++)
        {
            ReadOnlySpan<double> table = network.Table(child);
            for (int cell = 0; cell < table.Length; cell++)
            {
                if (_complete[child][cell] > 0)
                    sum += _complete[child][cell] * Math.Log(table[cell]);
            }
        }
        return sum;
    }
}
