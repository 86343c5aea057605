namespace Atelier.Models.BayesianNetwork.Structure;

/// <summary>Constraints on a learned structure.</summary>
internal sealed class StructureConstraints
{
    private readonly HashSet<(int Parent, int Child)> _required;
    private readonly HashSet<(int Parent, int Child)> _forbidden;

    /// <summary>Creates constraints, and checks that they are consistent.</summary>
    /// <param name="names">The names of the variables.</param>
    /// <param name="required">The edges that the structure must contain.</param>
    /// <param name="forbidden">The edges that the structure must not contain.</param>
    /// <param name="maxParents">The largest number of parents of a variable.</param>
    /// <exception cref="AtelierException">An edge is both required and forbidden, or the required edges form a cycle or
    /// give a variable too many parents.</exception>
    public StructureConstraints(IReadOnlyList<string> names, IEnumerable<(int Parent, int Child)> required,
        IEnumerable<(int Parent, int Child)> forbidden, int maxParents)
    {
        _required = [.. required];
        _forbidden = [.. forbidden];
        MaxParents = maxParents;
        foreach ((int parent, int child) in _required)
        {
            if (_forbidden.Contains((parent, child)))
                throw new AtelierException($"the edge {names[parent]}->{names[child]} is both required and forbidden",
                    "model.forbidden", "remove it from one list");
        }
        Start = DirectedGraph.Of(_required, names);
        for (int child = 0; child < names.Count; child++)
        {
            if (Start.Parents(child).Count > maxParents)
                throw new AtelierException($"{names[child]} has {Start.Parents(child).Count} required parents",
                    "model.required", $"raise model.maxParents above {maxParents}");
        }
    }

    /// <summary>The largest number of parents of a variable.</summary>
    public int MaxParents { get; }

    /// <summary>The required edges.</summary>
    public IReadOnlyCollection<(int Parent, int Child)> Required => _required;

    /// <summary>The graph of the required edges alone, from which a search starts.</summary>
    public DirectedGraph Start { get; }

    /// <summary>Whether an edge is required.</summary>
    public bool IsRequired(int parent, int child) => _required.Contains((parent, child));

    /// <summary>
    /// Whether edges include all required ones and no forbidden one, and give no variable too many parents.
    /// </summary>
    public bool Allows(IReadOnlyCollection<(int Parent, int Child)> edges) =>
        edges.All(e => !IsForbidden(e.Parent, e.Child))
        && _required.All(edges.Contains) && edges.CountBy(e => e.Child).All(c => c.Value <= MaxParents);

    /// <summary>Whether an edge is forbidden, or contradicts a required edge.</summary>
    public bool IsForbidden(int parent, int child) =>
        _forbidden.Contains((parent, child)) || _required.Contains((child, parent));
}
