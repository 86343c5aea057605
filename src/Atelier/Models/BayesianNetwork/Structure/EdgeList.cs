namespace Atelier.Models.BayesianNetwork.Structure;

/// <summary>Parses and formats edges as recipes write them, such as "smoke->lung".</summary>
internal static class EdgeList
{
    /// <summary>Parses edges.</summary>
    /// <param name="edges">The edges as text.</param>
    /// <param name="names">The names of the variables.</param>
    /// <param name="where">The key in the recipe, for error messages.</param>
    /// <exception cref="AtelierException">An edge has no arrow, names an unknown variable (the message suggests the
    /// nearest), or joins a variable with itself.</exception>
    public static IReadOnlyList<(int Parent, int Child)> Parse(IReadOnlyList<string> edges, IReadOnlyList<string> names,
        string where) =>
        [.. edges.Select(edge =>
        {
            string[] ends = edge.Split("->");
            if (ends.Length != 2)
                throw new AtelierException($"'{edge}' is not an edge", where,
                    "write PARENT->CHILD, such as smoke->lung");
            int parent = IndexOf(ends[0].Trim()), child = IndexOf(ends[1].Trim());
            return parent != child ? (parent, child)
                : throw new AtelierException($"the edge '{edge}' connects {names[parent]} with itself", where,
                    "remove it");

            int IndexOf(string name)
            {
                for (int i = 0; i < names.Count; i++)
                {
                    if (names[i] == name)
                        return i;
                }
                throw new AtelierException($"the edge '{edge}' names '{name}', which is not a column", where,
                    Spelling.Nearest(name, names) is { } near ? $"did you mean '{near}'?"
                        : $"there are {string.Join(", ", names)}");
            }
        })];

    /// <summary>Formats an edge as text.</summary>
    public static string Show((int Parent, int Child) edge, IReadOnlyList<Variable> variables) =>
        $"{variables[edge.Parent].Name}->{variables[edge.Child].Name}";
}
