namespace Atelier.Models.BayesianNetwork.Structure;

/// <summary>The limits of the search.</summary>
internal sealed record HillClimbingOptions
{
    /// <summary>
    /// The length of the tabu list, in moves, and the number of moves without a new best graph that ends a climb. 0
    /// ends it at the first local maximum.
    /// </summary>
    public int TabuLength { get; init; } = 10;

    /// <summary>After how many restarts in a row that found nothing better the search ends; 0 climbs once.</summary>
    public int Restarts { get; init; }

    /// <summary>The most seconds before the search ends with the best graph so far.</summary>
    public double Seconds { get; init; } = double.PositiveInfinity;

    /// <summary>Of what is changed before it begins again.</summary>
    public long Seed { get; init; } = 1;
}
