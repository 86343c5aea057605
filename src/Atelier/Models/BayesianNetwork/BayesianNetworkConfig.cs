using System.ComponentModel.DataAnnotations;

namespace Atelier.Models.BayesianNetwork;

/// <summary>
/// The configuration of a Bayesian network: how its structure and its conditional probability tables are learned.
/// </summary>
public sealed record BayesianNetworkConfig
{
    /// <summary>The method of structure learning.</summary>
    public StructureName Structure { get; init; } = StructureName.HillClimbing;

    /// <summary>
    /// The edges of a given structure, such as [smoke-&gt;lung, smoke-&gt;bronc]. Tables list parents in this order.
    /// </summary>
    public IReadOnlyList<string> Edges { get; init; } = [];

    /// <summary>Edges that a learned structure must contain.</summary>
    public IReadOnlyList<string> Required { get; init; } = [];

    /// <summary>Edges that a learned structure must not contain.</summary>
    public IReadOnlyList<string> Forbidden { get; init; } = [];

    /// <summary>
    /// A reference structure. Training and `explain` report the distance of the learned structure from it.
    /// </summary>
    public IReadOnlyList<string> CompareWith { get; init; } = [];

    /// <summary>The score that hill climbing maximises.</summary>
    public NetworkScore Score { get; init; } = NetworkScore.Bic;

    /// <summary>
    /// The equivalent sample size: the number of pseudo-counts spread evenly over each table, as the Dirichlet prior of
    /// the parameters and of the BDeu score. 0 gives maximum likelihood.
    /// </summary>
    [Range(0.0, 1e9)]
    public double EquivalentSampleSize { get; init; } = 1;

    /// <summary>The largest number of parents of a variable in a learned structure.</summary>
    [Range(1, 64)]
    public int MaxParents { get; init; } = 8;

    /// <summary>
    /// For hill climbing: the length of the tabu list, in moves, and the number of moves without a new best graph that
    /// ends the search. 0 stops at the first local maximum.
    /// </summary>
    [Range(0, 10_000)]
    public int TabuLength { get; init; } = 10;

    /// <summary>
    /// For hill climbing: the search restarts near the best graph until this many restarts in a row find nothing
    /// better. 0 searches once.
    /// </summary>
    [Range(0, 10_000)]
    public int Restarts { get; init; } = 100;

    /// <summary>
    /// For hill climbing: the time limit of the search in seconds, after which the best graph so far is kept. Null sets
    /// no limit.
    /// </summary>
    [Range(0.001, 1e9)]
    public double? SearchSeconds { get; init; }

    /// <summary>For pc: the test of conditional independence.</summary>
    public IndependenceTestName Test { get; init; } = IndependenceTestName.G2;

    /// <summary>For pc: the significance level. A test rejects independence if its p-value is lower.</summary>
    [Range(1e-12, 0.5)]
    public double Significance { get; init; } = 0.01;

    /// <summary>For pc: the largest number of variables that a test conditions on.</summary>
    [Range(0, 16)]
    public int MaxConditions { get; init; } = 3;

    /// <summary>
    /// For chow-liu: the root of the tree. Null takes the first variable that satisfies the constraints.
    /// </summary>
    public string? Root { get; init; }

    /// <summary>For missing values: the largest number of iterations of expectation maximisation.</summary>
    [Range(1, 1_000_000)]
    public int EmIterations { get; init; } = 200;

    /// <summary>
    /// For missing values: expectation maximisation ends when the log-likelihood of the observed values grows by less
    /// than this fraction.
    /// </summary>
    [Range(0.0, 1.0)]
    public double EmTolerance { get; init; } = 1e-6;

    /// <summary>
    /// For missing values: the largest number of times that the structure is learned again, from rows whose missing
    /// values are sampled from the current network.
    /// </summary>
    [Range(0, 100)]
    public int StructureRounds { get; init; } = 3;
}

/// <summary>Methods of structure learning.</summary>
public enum StructureName
{
    /// <summary>The recipe gives the structure.</summary>
    Given,

    /// <summary>A search for the highest score that changes one edge at a time, with a tabu list.</summary>
    HillClimbing,

    /// <summary>The tree with the largest total mutual information of its edges (Chow and Liu 1968).</summary>
    ChowLiu,

    /// <summary>The PC algorithm, by tests of conditional independence (Spirtes, Glymour and Scheines 2000).</summary>
    Pc,
}

/// <summary>Scores of structures. Higher is better.</summary>
public enum NetworkScore
{
    /// <summary>The Bayesian information criterion, ln P(data) − k/2 · ln N (Schwarz 1978).</summary>
    Bic,

    /// <summary>The Akaike information criterion, ln P(data) − k (Akaike 1974).</summary>
    Aic,

    /// <summary>
    /// The Bayesian Dirichlet score, likelihood-equivalent with a uniform prior (Buntine 1991; Heckerman, Geiger and
    /// Chickering 1995).
    /// </summary>
    Bdeu,

    /// <summary>
    /// The Bayesian Dirichlet score with a pseudo-count of 1 in each cell (Cooper and Herskovits 1992).
    /// </summary>
    K2,
}

/// <summary>Tests of conditional independence.</summary>
public enum IndependenceTestName
{
    /// <summary>Pearson's χ² test.</summary>
    ChiSquare,

    /// <summary>The likelihood-ratio test, G².</summary>
    G2,
}
