namespace Atelier.Models.BayesianNetwork.Structure;

/// <summary>The options of hill climbing.</summary>
internal sealed record HillClimbingOptions
{
    /// <summary>
    /// The length of the tabu list, in moves, and the number of moves without a new best graph that ends a climb. 0
    /// ends it at the first local maximum.
    /// </summary>
    public int TabuLength { get; init; } = 10;

    /// <summary>
    /// The number of restarts in a row without a better graph that ends the search. 0 climbs only once.
    /// </summary>
    public int Restarts { get; init; }

    /// <summary>The time limit in seconds, after which the search ends with the best graph so far.</summary>
    public double Seconds { get; init; } = double.PositiveInfinity;

    /// <summary>The seed of the random changes before each restart.</summary>
    public long Seed { get; init; } = 1;
}
