namespace Atelier.Models.BayesianNetwork.Inference;

/// <summary>
/// Exact answers to single questions: of what the question needs, variables are summed out one by one (Zhang and Poole
/// 1994).
/// </summary>
public static class VariableElimination
{
    /// <summary>The joint distribution of some variables given evidence.</summary>
    /// <param name="network">The network.</param>
    /// <param name="targets">The variables asked for, none of them observed.</param>
    /// <param name="evidence">The state of each observed variable.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <returns>P(targets | e), the first target slowest; it sums to 1.</returns>
    /// <exception cref="AtelierException">The evidence has probability zero, or a table would be too large.</exception>
    public static double[] Query(
        DiscreteNetwork network, IReadOnlyList<int> targets, IReadOnlyDictionary<int, int> evidence,
            CancellationToken cancellation = default)
    {
        Relevance relevance = Relevance.Of(network, [.. targets], evidence);
        EliminationOrder order = OrderOf(network, targets, relevance, cancellation);
        return Query(network, targets, evidence, relevance, order, cancellation);
    }

    /// <summary>The order in which a question's variables are summed out.</summary>
    internal static EliminationOrder OrderOf(DiscreteNetwork network, IReadOnlyList<int> targets,
        Relevance relevance, CancellationToken cancellation) =>
        EliminationOrder.Find(network.Variables.Count, [.. relevance.Factors.Select(f => f.Scope)], network.StatesOf,
            [.. targets], cancellation);

    /// <summary>The same, of what is relevant, in a given order.</summary>
    internal static double[] Query(DiscreteNetwork network, IReadOnlyList<int> targets, IReadOnlyDictionary<int,
        int> evidence,
        Relevance relevance, EliminationOrder order, CancellationToken cancellation)
    {
        relevance.CheckOthers(network, evidence, cancellation);
        List<Factor> factors = [.. relevance.Factors];
        foreach (int variable in order.Variables)
        {
            cancellation.ThrowIfCancellationRequested();
            List<Factor> joined = factors.FindAll(f => Array.IndexOf(f.Scope, variable) >= 0);
            factors.RemoveAll(joined.Contains);
            int[] scope = [.. joined.SelectMany(f => f.Scope).Distinct().Where(v => v != variable).Order()];
            factors.Add(Factor.Project(joined, scope, network.StatesOf, cancellation: cancellation).Scaled(out _));
        }
        double[] joint = Factor.Project(factors, [.. targets], network.StatesOf, cancellation: cancellation).Values;
        double sum = joint.Sum();
        return sum > 0 ? Array.ConvertAll(joint, p => p / sum) : throw Evidence.Impossible(network, evidence);
    }
}
