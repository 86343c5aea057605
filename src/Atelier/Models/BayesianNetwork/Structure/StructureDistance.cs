namespace Atelier.Models.BayesianNetwork.Structure;

/// <summary>
/// The distance of a learned structure from a true one: edge by edge, and between their equivalence classes.
/// </summary>
public sealed record StructureDistance
{
    /// <summary>The number of edges of the true structure.</summary>
    public required int TrueEdges { get; init; }

    /// <summary>The number of edges of the learned structure.</summary>
    public required int LearnedEdges { get; init; }

    /// <summary>The number of edges that both structures have in the same direction.</summary>
    public required int Right { get; init; }

    /// <summary>The number of edges that both structures have in opposite directions.</summary>
    public required int Reversed { get; init; }

    /// <summary>The number of true edges that the learned structure lacks in either direction.</summary>
    public int Missing => TrueEdges - Right - Reversed;

    /// <summary>The number of learned edges that the true structure lacks in either direction.</summary>
    public int Extra => LearnedEdges - Right - Reversed;

    /// <summary>
    /// The structural Hamming distance of the graphs: the number of missing, extra and reversed edges.
    /// </summary>
    public int Hamming => Missing + Extra + Reversed;

    /// <summary>
    /// The structural Hamming distance of the equivalence classes (Tsamardinos, Brown and Aliferis 2006): the number of
    /// pairs of variables whose edge differs.
    /// </summary>
    public required int ClassHamming { get; init; }

    /// <summary>Compares two structures over the same variables.</summary>
    public static StructureDistance Between(DirectedGraph truth, DirectedGraph learned)
    {
        PartiallyDirectedGraph a = PartiallyDirectedGraph.ClassOf(truth), b = PartiallyDirectedGraph.ClassOf(learned);
        int different = 0;
        for (int i = 0; i < truth.Count; i++)
        {
            for (int j = i + 1; j < truth.Count; j++)
            {
                bool differs = a.Directed(i, j) != b.Directed(i, j) || a.Directed(j, i) != b.Directed(j, i)
                    || a.Undirected(i, j) != b.Undirected(i, j);
                different += differs ? 1 : 0;
            }
        }
        return new StructureDistance
        {
            TrueEdges = truth.Edges.Count(),
            LearnedEdges = learned.Edges.Count(),
            Right = learned.Edges.Count(e => truth.HasEdge(e.Parent, e.Child)),
            Reversed = learned.Edges.Count(e => truth.HasEdge(e.Child, e.Parent)),
            ClassHamming = different,
        };
    }

    /// <summary>Describes the distance in one line for the user.</summary>
    public override string ToString() =>
        $"{Right} of {TrueEdges} edges with the right direction among {LearnedEdges}; {Reversed} reversed, {Missing} "
        + $"missing, {Extra} extra; distance {Hamming}, of the equivalence classes {ClassHamming}";
}
