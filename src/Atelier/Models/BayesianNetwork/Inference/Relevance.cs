namespace Atelier.Models.BayesianNetwork.Inference;

/// <summary>
/// The part of a network that a query depends on. These are the ancestors of the targets and the evidence, because all
/// other variables are barren and sum to 1 (Shachter 1986). With the evidence fixed in their tables, only the
/// components connected to the targets matter; the others are d-separated from them.
/// </summary>
/// <param name="Factors">The factors that the answer depends on.</param>
/// <param name="Others">The other components: factors that affect only the probability of the evidence.</param>
internal sealed record Relevance(IReadOnlyList<Factor> Factors, IReadOnlyList<IReadOnlyList<Factor>> Others)
{
    /// <summary>Finds the relevant factors of a network.</summary>
    /// <param name="network">The network.</param>
    /// <param name="targets">The indices of the queried variables.</param>
    /// <param name="evidence">The evidence.</param>
    public static Relevance Of(DiscreteNetwork network, IReadOnlyCollection<int> targets,
        IReadOnlyDictionary<int, int> evidence)
    {
        bool[] needed = network.Graph.AncestorsOf(targets.Concat(evidence.Keys));
        var factors = new List<Factor>();
        var part = new int[needed.Length]; // a disjoint-set forest: [variable] is its parent; a root is its own
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
        ILookup<bool, Factor> byRelevance =
            factors.ToLookup(f => f.Scope.Length > 0 && asked.Contains(Root(f.Scope[0])));
        return new([.. byRelevance[true]],
            [.. byRelevance[false].GroupBy(f => f.Scope.Length == 0 ? -1 : Root(f.Scope[0]))
                .Select(g => (IReadOnlyList<Factor>)[.. g])]);

        int Root(int variable)
        {
            while (part[variable] != variable)
                variable = part[variable] = part[part[variable]];
            return variable;
        }
    }

    /// <summary>Checks that the evidence in the other components is possible.</summary>
    /// <exception cref="AtelierException">The evidence has probability zero.</exception>
    public void CheckOthers(DiscreteNetwork network, IReadOnlyDictionary<int, int> evidence,
        CancellationToken cancellation)
    {
        foreach (IReadOnlyList<Factor> part in Others)
        {
            // Without zeros no component is impossible. If an exact sum would be too large, its upper bound decides.
            if (part.Any(f => f.Values.Contains(0))
                && Buckets.Collect(network, part, BucketOptions.Bounded, cancellation).IsImpossible)
                throw Evidence.Impossible(network, evidence);
        }
    }
}
