namespace Atelier.Models.BayesianNetwork.Structure;

/// <summary>How far the search goes.</summary>
internal sealed record HillClimbingOptions
{
    /// <summary>
    /// How many moves an edge stays untouched, and how many moves without a new best end a climb; 0 ends it at the
    /// first summit.
    /// </summary>
    public int TabuLength { get; init; } = 10;

    /// <summary>After how many restarts in a row that found nothing better the search ends; 0 climbs once.</summary>
    public int Restarts { get; init; }

    /// <summary>The most seconds before the search ends with the best graph so far.</summary>
    public double Seconds { get; init; } = double.PositiveInfinity;

    /// <summary>Of what is changed before it begins again.</summary>
    public long Seed { get; init; } = 1;
}
