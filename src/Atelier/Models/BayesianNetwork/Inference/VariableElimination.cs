namespace Atelier.Models.BayesianNetwork.Inference;

/// <summary>Exact answers to single questions: variables are summed out one by one (Zhang and Poole 1994), those first that join the fewest others.</summary>
public static class VariableElimination
{
    /// <summary>The joint distribution of some variables given evidence.</summary>
    /// <param name="network">The network.</param>
    /// <param name="targets">The variables asked for, none of them observed.</param>
    /// <param name="evidence">The state of each observed variable.</param>
    /// <returns>P(targets | e), the first target slowest; it sums to 1.</returns>
    /// <exception cref="AtelierException">The evidence has probability zero, or a table would be too large.</exception>
    public static double[] Query(DiscreteNetwork network, IReadOnlyList<int> targets, IReadOnlyDictionary<int, int> evidence)
    {
        // What is neither asked for, nor seen, nor above such a variable sums to 1 (barren nodes: Shachter 1986).
        bool[] relevant = network.Graph.AncestorsOf(targets.Concat(evidence.Keys));
        List<Factor> factors = [.. Enumerable.Range(0, network.Variables.Count).Where(i => relevant[i]).Select(i => Factor.Of(network, i, evidence))];
        EliminationOrder order = EliminationOrder.MinFill(network.Variables.Count, [.. factors.Select(f => f.Scope)], network.StatesOf, [.. targets]);
        foreach (int variable in order.Variables)
        {
            List<Factor> joined = factors.FindAll(f => Array.IndexOf(f.Scope, variable) >= 0);
            factors.RemoveAll(joined.Contains);
            Factor summed = Factor.SumOut(joined, variable, network.StatesOf);
            double greatest = summed.Values.Max();
            if (greatest > 0) // scaled, that long products of small numbers do not vanish
                summed = summed with { Values = [.. summed.Values.Select(v => v / greatest)] };
            factors.Add(summed);
        }
        double[] joint = Factor.Multiply(factors, [.. targets], network.StatesOf).Values;
        double sum = joint.Sum();
        return sum > 0 ? [.. joint.Select(p => p / sum)] : throw Evidence.Impossible(network, evidence);
    }
}
