namespace Atelier.Models.BayesianNetwork.Inference;

/// <summary>The limits of inference.</summary>
public sealed record InferenceOptions
{
    /// <summary>The seed of approximate answers.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>
    /// Half the width that intervals of 95 % confidence may have where an answer is approximate, above 0.
    /// </summary>
    public double Precision { get; init; } = 0.005;

    /// <summary>
    /// The most cells of all tables together that are gone through for an exact answer, about half a second for 10⁸; 0
    /// asks for approximate answers.
    /// </summary>
    public double MostCells { get; init; } = 1L << 31;

    /// <summary>The most rows that are drawn for an approximate answer.</summary>
    public int MostRows { get; init; } = 1 << 22;

    /// <summary>
    /// The most cells of all mini-buckets together, from which rows are drawn where exact sums are too large.
    /// </summary>
    internal double ProposalCells { get; init; } = 1 << 26;

    /// <summary>Whether exact sums in this order are affordable.</summary>
    internal bool Allows(EliminationOrder order) =>
        order.TotalCells <= MostCells && order.MessageCells <= Factor.MostCells;
}
