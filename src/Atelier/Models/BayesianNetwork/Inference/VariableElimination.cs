namespace Atelier.Models.BayesianNetwork.Inference;

/// <summary>
/// Exact inference for single queries by variable elimination: in the relevant part of the network, variables are
/// summed out one by one (Zhang and Poole 1994).
/// </summary>
public static class VariableElimination
{
    /// <summary>Computes the joint distribution of some variables given evidence.</summary>
    /// <param name="network">The network.</param>
    /// <param name="targets">The indices of the queried variables, none of them observed.</param>
    /// <param name="evidence">The index of the state of each observed variable, by the index of the variable.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <returns>P(targets | e) in row-major order; it sums to 1.</returns>
    /// <exception cref="AtelierException">The evidence has probability zero, or a table would be too large.</exception>
    public static double[] Query(DiscreteNetwork network, IReadOnlyList<int> targets,
        IReadOnlyDictionary<int, int> evidence, CancellationToken cancellation = default)
    {
        Relevance relevance = Relevance.Of(network, [.. targets], evidence);
        EliminationOrder order = OrderOf(network, targets, relevance, cancellation);
        return Query(network, targets, evidence, relevance, order, cancellation);
    }

    /// <summary>Finds the order in which the variables of a query are summed out.</summary>
    internal static EliminationOrder OrderOf(DiscreteNetwork network, IReadOnlyList<int> targets,
        Relevance relevance, CancellationToken cancellation) =>
        EliminationOrder.Find(network.Variables.Count, [.. relevance.Factors.Select(f => f.Scope)], network.StatesOf,
            [.. targets], cancellation);

    /// <summary>Answers a query from its relevant factors, in a given elimination order.</summary>
    internal static double[] Query(DiscreteNetwork network, IReadOnlyList<int> targets,
        IReadOnlyDictionary<int, int> evidence, Relevance relevance, EliminationOrder order,
        CancellationToken cancellation)
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
