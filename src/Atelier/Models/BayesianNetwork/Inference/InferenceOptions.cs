namespace Atelier.Models.BayesianNetwork.Inference;

/// <summary>The limits of inference.</summary>
public sealed record InferenceOptions
{
    /// <summary>The random seed of approximate inference.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>
    /// For approximate answers: the largest half-width of the 95 % confidence intervals, above 0.
    /// </summary>
    public double Precision { get; init; } = 0.005;

    /// <summary>
    /// The largest number of cells of all tables together for exact inference; 10⁸ cells take about half a second. 0
    /// makes all inference approximate.
    /// </summary>
    public double MostCells { get; init; } = 1L << 31;

    /// <summary>For approximate answers: the largest number of rows to sample.</summary>
    public int MostRows { get; init; } = 1 << 22;

    /// <summary>
    /// For approximate answers: the largest number of cells of all mini-buckets together, which serve as the proposal
    /// distribution.
    /// </summary>
    internal double ProposalCells { get; init; } = 1 << 26;

    /// <summary>Whether exact inference in an elimination order stays within the limits.</summary>
    internal bool Allows(EliminationOrder order) =>
        order.TotalCells <= MostCells && order.MessageCells <= Factor.MostCells;
}
