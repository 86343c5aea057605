namespace Atelier.Models.BayesianNetwork.Structure;

/// <summary>Constraints on a learned structure.</summary>
internal sealed class StructureConstraints
{
    private readonly HashSet<(int Parent, int Child)> _required;
    private readonly HashSet<(int Parent, int Child)> _forbidden;

    /// <summary>Checks that the edges can stand together.</summary>
    /// <param name="names">The variables.</param>
    /// <param name="required">Edges that must be there.</param>
    /// <param name="forbidden">Edges that must not.</param>
    /// <param name="maxParents">The most parents a variable may have.</param>
    /// <exception cref="AtelierException">An edge is both, or the required ones form a cycle or give a variable too
    /// many parents.</exception>
    public StructureConstraints(IReadOnlyList<string> names, IEnumerable<(int Parent, int Child)> required,
        IEnumerable<(int Parent, int Child)> forbidden, int maxParents)
    {
        _required = [.. required];
        _forbidden = [.. forbidden];
        MaxParents = maxParents;
        foreach ((int parent, int child) in _required)
            if (_forbidden.Contains((parent, child)))
                throw new AtelierException($"the edge {names[parent]}->{names[child]} is both required and forbidden",
                    "model.forbidden", "remove it from one list");
        Start = DirectedGraph.Of(_required, names);
        for (int child = 0; child < names.Count; child++)
            if (Start.Parents(child).Count > maxParents)
                throw new AtelierException($"{names[child]} has {Start.Parents(child).Count} required parents",
                    "model.required", $"raise model.maxParents above {maxParents}");
    }

    public int MaxParents { get; }

    public IReadOnlyCollection<(int Parent, int Child)> Required => _required;

    /// <summary>The graph of the required edges alone.</summary>
    public DirectedGraph Start { get; }

    public bool IsRequired(int parent, int child) => _required.Contains((parent, child));

    /// <summary>
    /// Whether a graph of these edges has all that are required, none that is forbidden, and nowhere too many parents.
    /// </summary>
    public bool Allows(IReadOnlyCollection<(int Parent, int Child)> edges) =>
        edges.All(e => !IsForbidden(e.Parent, e.Child))
        && _required.All(edges.Contains) && edges.CountBy(e => e.Child).All(c => c.Value <= MaxParents);

    public bool IsForbidden(int parent, int child) =>
        _forbidden.Contains((parent, child)) || _required.Contains((child, parent));
}
