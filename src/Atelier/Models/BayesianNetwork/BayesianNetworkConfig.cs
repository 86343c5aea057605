using System.ComponentModel.DataAnnotations;

namespace Atelier.Models.BayesianNetwork;

/// <summary>What a Bayesian network is learned by.</summary>
public sealed record BayesianNetworkConfig
{
    /// <summary>How the edges are found.</summary>
    public StructureName Structure { get; init; } = StructureName.HillClimbing;

    /// <summary>
    /// The edges where the structure is given, as [smoke-&gt;lung, smoke-&gt;bronc]; parents stand in this order in the
    /// tables.
    /// </summary>
    public IReadOnlyList<string> Edges { get; init; } = [];

    /// <summary>Edges that a learned structure must have.</summary>
    public IReadOnlyList<string> Required { get; init; } = [];

    /// <summary>Edges that a learned structure must not have.</summary>
    public IReadOnlyList<string> Forbidden { get; init; } = [];

    /// <summary>
    /// A structure known from elsewhere; training and explain tell how far the learned one is from it.
    /// </summary>
    public IReadOnlyList<string> CompareWith { get; init; } = [];

    /// <summary>What hill climbing makes as large as it can.</summary>
    public NetworkScore Score { get; init; } = NetworkScore.Bic;

    /// <summary>
    /// Imagined rows, spread evenly over each table: the prior of the tables and of the BDeu score; 0 gives maximum
    /// likelihood.
    /// </summary>
    [Range(0.0, 1e9)]
    public double EquivalentSampleSize { get; init; } = 1;

    /// <summary>The most parents that a learned structure gives a variable.</summary>
    [Range(1, 64)]
    public int MaxParents { get; init; } = 8;

    /// <summary>
    /// Of hill climbing: how many moves an edge stays untouched, and how many without a new best end the search; 0 ends
    /// it at the first summit.
    /// </summary>
    [Range(0, 10_000)]
    public int TabuLength { get; init; } = 10;

    /// <summary>
    /// Of hill climbing: it begins again near the best graph until so many restarts in a row found nothing better; 0
    /// climbs once.
    /// </summary>
    [Range(0, 10_000)]
    public int Restarts { get; init; } = 100;

    /// <summary>
    /// Of hill climbing: the most seconds, after which the best graph so far is taken; null sets no limit.
    /// </summary>
    [Range(0.001, 1e9)]
    public double? SearchSeconds { get; init; }

    /// <summary>Of pc: the test of independence.</summary>
    public IndependenceTestName Test { get; init; } = IndependenceTestName.G2;

    /// <summary>Of pc: the probability below which independence is rejected.</summary>
    [Range(1e-12, 0.5)]
    public double Significance { get; init; } = 0.01;

    /// <summary>Of pc: the most variables that a test is conditioned on.</summary>
    [Range(0, 16)]
    public int MaxConditions { get; init; } = 3;

    /// <summary>Of chow-liu: the variable that the tree grows from; null takes the first that fits.</summary>
    public string? Root { get; init; }

    /// <summary>The most iterations of expectation maximisation, where values are missing.</summary>
    [Range(1, 1_000_000)]
    public int EmIterations { get; init; } = 200;

    /// <summary>
    /// Expectation maximisation ends when ln P of the observed values grows by less than this share of itself.
    /// </summary>
    [Range(0.0, 1.0)]
    public double EmTolerance { get; init; } = 1e-6;

    /// <summary>
    /// Where values are missing, how often the structure is learned again from rows filled in by the network so far.
    /// </summary>
    [Range(0, 100)]
    public int StructureRounds { get; init; } = 3;
}

/// <summary>How the edges of a network are found.</summary>
public enum StructureName
{
    /// <summary>Written in the recipe.</summary>
    Given,

    /// <summary>A search for the highest score, edge by edge, with a tabu list.</summary>
    HillClimbing,

    /// <summary>The tree of the greatest mutual information.</summary>
    ChowLiu,

    /// <summary>Tests of conditional independence.</summary>
    Pc,
}

/// <summary>Scores of structures.</summary>
public enum NetworkScore
{
    /// <summary>ln P(data) − k/2 · ln N (Schwarz 1978).</summary>
    Bic,

    /// <summary>ln P(data) − k (Akaike 1974).</summary>
    Aic,

    /// <summary>
    /// Bayesian Dirichlet, equivalent and uniform (Buntine 1991; Heckerman, Geiger and Chickering 1995).
    /// </summary>
    Bdeu,

    /// <summary>Bayesian Dirichlet with one imagined row a cell (Cooper and Herskovits 1992).</summary>
    K2,
}

/// <summary>Tests of independence.</summary>
public enum IndependenceTestName
{
    /// <summary>Pearson's χ².</summary>
    ChiSquare,

    /// <summary>The likelihood ratio, G².</summary>
    G2,
}
