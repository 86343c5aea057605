namespace Atelier.Abstractions;

/// <summary>A model that can explain what it has learned.</summary>
public interface IExplainable
{
    /// <summary>Explains what the model has learned, in tables and pictures.</summary>
    /// <param name="cancellation">Cancels the operation.</param>
    Explanation Explain(CancellationToken cancellation = default);
}

/// <summary>An explanation of what a model has learned.</summary>
/// <param name="Summary">A one-sentence summary, without a full stop.</param>
/// <param name="Tables">The parts of the explanation.</param>
/// <param name="Pictures">Pictures; may be empty.</param>
public sealed record Explanation(string Summary, IReadOnlyList<ExplanationTable> Tables,
    IReadOnlyList<ExplanationImage> Pictures)
{
    /// <summary>The precision of the answer if this explanation answers a query; otherwise null.</summary>
    public AnswerMethod? Method { get; init; }

    /// <summary>The graph of a model that has one; otherwise null.</summary>
    public ExplainedGraph? Graph { get; init; }

    /// <summary>
    /// The transition probabilities of a Markov chain, with the start probabilities as the first row; otherwise null.
    /// </summary>
    public ExplainedMatrix? Transitions { get; init; }
}

/// <summary>A directed graph, such as a Bayesian network.</summary>
/// <param name="Nodes">The names of the nodes.</param>
/// <param name="Edges">The edges, the strongest first.</param>
public sealed record ExplainedGraph(IReadOnlyList<string> Nodes, IReadOnlyList<ExplainedEdge> Edges);

/// <summary>An edge of a graph.</summary>
/// <param name="Parent">The index of the node that it leads from.</param>
/// <param name="Child">The index of the node that it leads to.</param>
/// <param name="Strength">The conditional mutual information of the two nodes in nats, at least 0.</param>
public sealed record ExplainedEdge(int Parent, int Child, double Strength);

/// <summary>A matrix with names.</summary>
/// <param name="Rows">The names of the rows.</param>
/// <param name="Columns">The names of the columns.</param>
/// <param name="Cells">The values, row by row.</param>
public sealed record ExplainedMatrix(IReadOnlyList<string> Rows, IReadOnlyList<string> Columns,
    IReadOnlyList<double[]> Cells);

/// <summary>The precision of an answer.</summary>
/// <param name="Rows">Number of rows that the answer was estimated from; 0 if it is exact.</param>
/// <param name="EffectiveRows">The effective sample size: the number of rows with equal weights that would be as
/// precise.</param>
/// <param name="Precision">Half the width of the widest 95 % confidence interval; 0 if the answer is exact.</param>
public sealed record AnswerMethod(long Rows, double EffectiveRows, double Precision)
{
    /// <summary>Whether the answer is exact up to rounding.</summary>
    public bool IsExact => Rows == 0;
}

/// <summary>A part of an explanation, as a table.</summary>
/// <param name="Name">The subject of the table: "emissions".</param>
/// <param name="Columns">The columns' names.</param>
/// <param name="Rows">The cells, row by row.</param>
public sealed record ExplanationTable(string Name, IReadOnlyList<string> Columns,
    IReadOnlyList<IReadOnlyList<CellValue>> Rows)
{
    /// <summary>
    /// Whether only programs should read the table, because it is long and people see another table or a picture
    /// instead.
    /// </summary>
    public bool ForPrograms { get; init; }
}

/// <summary>A picture of an explanation.</summary>
/// <param name="FileName">The file's name with its extension: "network.svg".</param>
/// <param name="Content">The file's bytes.</param>
public sealed record ExplanationImage(string FileName, byte[] Content);
