namespace Atelier.Models.BayesianNetwork.Structure;

/// <summary>The distance between two structures: edge by edge, and between their equivalence classes.</summary>
public sealed record StructureDistance
{
    /// <summary>Edges of the true structure.</summary>
    public required int TrueEdges { get; init; }

    /// <summary>Edges of the learned one.</summary>
    public required int LearnedEdges { get; init; }

    /// <summary>Edges that both have, in the same direction.</summary>
    public required int Right { get; init; }

    /// <summary>Edges that both have, in opposite directions.</summary>
    public required int Reversed { get; init; }

    /// <summary>Edges that are missing.</summary>
    public int Missing => TrueEdges - Right - Reversed;

    /// <summary>Edges that are too many.</summary>
    public int Extra => LearnedEdges - Right - Reversed;

    /// <summary>The structural Hamming distance of the graphs: edges missing, too many or reversed.</summary>
    public int Hamming => Missing + Extra + Reversed;

    /// <summary>
    /// The structural Hamming distance of the equivalence classes (Tsamardinos, Brown and Aliferis 2006): pairs of
    /// variables whose edge differs.
    /// </summary>
    public required int ClassHamming { get; init; }

    /// <summary>Compares two structures over the same variables.</summary>
    public static StructureDistance Between(DirectedGraph truth, DirectedGraph learned)
    {
        PartiallyDirectedGraph a = PartiallyDirectedGraph.ClassOf(truth), b = PartiallyDirectedGraph.ClassOf(learned);
        int different = 0;
        for (int i = 0; i < truth.Count; i++)
            for (int j = i + 1; j < truth.Count; j++)
                different += a.Directed(i, j) != b.Directed(i, j) || a.Directed(j, i) != b.Directed(j, i)
                    || a.Undirected(i, j) != b.Undirected(i, j) ? 1 : 0;
        return new StructureDistance
        {
            TrueEdges = truth.Edges.Count(),
            LearnedEdges = learned.Edges.Count(),
            Right = learned.Edges.Count(e => truth.HasEdge(e.Parent, e.Child)),
            Reversed = learned.Edges.Count(e => truth.HasEdge(e.Child, e.Parent)),
            ClassHamming = different,
        };
    }

    /// <summary>One line for people.</summary>
    public override string ToString() =>
        $"{Right} of {TrueEdges} edges with the right direction among {LearnedEdges}; {Reversed} reversed, {Missing} "
            + $"missing, {Extra} extra; distance {Hamming}, of the equivalence classes {ClassHamming}";
}
