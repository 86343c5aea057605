namespace Atelier.Models.BayesianNetwork.Inference;

/// <summary>
/// The part of a network that a query needs: the ancestors of targets and evidence (all others are barren and sum to 1:
/// Shachter 1986), with the evidence fixed in their tables, and of those the parts connected with the targets (the rest
/// is d-separated from them).
/// </summary>
/// <param name="Factors">The tables that the answer follows from.</param>
/// <param name="Others">Tables that only the probability of the evidence depends on, part by part.</param>
internal sealed record Relevance(IReadOnlyList<Factor> Factors, IReadOnlyList<IReadOnlyList<Factor>> Others)
{
    /// <summary>Sorts the tables of a network.</summary>
    /// <param name="network">The network.</param>
    /// <param name="targets">The targets.</param>
    /// <param name="evidence">What is known.</param>
    public static Relevance Of(DiscreteNetwork network, IReadOnlyCollection<int> targets, IReadOnlyDictionary<int,
        int> evidence)
    {
        bool[] needed = network.Graph.AncestorsOf(targets.Concat(evidence.Keys));
        var factors = new List<Factor>();
        var part = new int[needed.Length]; // a forest: each variable names another of its part, the root itself
        for (int i = 0; i < part.Length; i++)
            part[i] = i;
        for (int i = 0; i < needed.Length; i++)
        {
            if (!needed[i])
                continue;
            Factor factor = Factor.Of(network, i, evidence);
            factors.Add(factor);
            foreach (int other in factor.Scope)
                part[Root(other)] = Root(factor.Scope[0]);
        }
        HashSet<int> asked = [.. targets.Select(Root)];
        return new(factors.FindAll(f => f.Scope.Length > 0 && asked.Contains(Root(f.Scope[0]))),
            [.. factors.FindAll(f => f.Scope.Length == 0 || !asked.Contains(Root(f.Scope[0])))
                .GroupBy(f => f.Scope.Length == 0 ? -1 : Root(f.Scope[0])).Select(g => (IReadOnlyList<Factor>)[.. g])]);

        int Root(int variable)
        {
            while (part[variable] != variable)
                variable = part[variable] = part[part[variable]];
            return variable;
        }
    }

    /// <summary>Makes sure that the parts which the answer does not depend on are possible.</summary>
    /// <exception cref="AtelierException">The evidence has probability zero.</exception>
    public void CheckOthers(DiscreteNetwork network, IReadOnlyDictionary<int, int> evidence,
        CancellationToken cancellation)
    {
        foreach (IReadOnlyList<Factor> part in Others)
        {
            // Only zeros can make an impossible whole. Where an exact sum would be too large, its upper bound decides.
            if (part.Any(f => f.Values.Contains(0))
                && Buckets.Collect(network, part, BucketOptions.Bounded, cancellation).IsImpossible)
                throw Evidence.Impossible(network, evidence);
        }
    }
}
