using System.ComponentModel.DataAnnotations;
using Atelier.Models.Hmm.Inference;
using Atelier.Recipes;

namespace Atelier.Models.Hmm;

/// <summary>
/// The configuration of a hidden Markov model, and how expectation maximisation or counting estimates it.
/// </summary>
public sealed record HmmConfig
{
    /// <summary>Number of hidden states. Taggers ignore it: their states are the tags.</summary>
    [Range(1, 4096)]
    public int StateCount { get; init; } = 8;

    /// <summary>
    /// Numbers of states to try; the best one by <see cref="Choose"/> is kept. An empty list tries StateCount only.
    /// </summary>
    public IReadOnlyList<int> StateCounts { get; init; } = [];

    /// <summary>The criterion by which the number of states is chosen: validation likelihood or BIC.</summary>
    public HmmChoice Choose { get; init; } = HmmChoice.Validation;

    /// <summary>
    /// The distribution of emissions: symbols, numbers, counts, or categories of each column. Null takes symbols for
    /// text and numbers for series.
    /// </summary>
    public HmmEmission? Emission { get; init; }

    /// <summary>Number of normal distributions in the mixture of each state.</summary>
    [Range(1, 256)]
    public int MixtureCount { get; init; } = 1;

    /// <summary>The form of the covariance matrices.</summary>
    public CovarianceShape Covariance { get; init; } = CovarianceShape.Diagonal;

    /// <summary>
    /// The smallest variance, as a fraction of the column's own variance, so that no state collapses onto a point.
    /// </summary>
    [Range(0.0, 1.0)]
    public double VarianceFloor { get; init; } = 1e-3;

    /// <summary>Which transitions between states are allowed.</summary>
    public HmmTopology Topology { get; init; } = HmmTopology.Ergodic;

    /// <summary>For left-to-right topologies: the largest number of states to move ahead in one transition.</summary>
    [Range(1, 4096)]
    public int Jump { get; init; } = 1;

    /// <summary>For sparse topologies: the allowed transitions, such as 0->1.</summary>
    public IReadOnlyList<string> Transitions { get; init; } = [];

    /// <summary>
    /// Pseudo-counts added to the expected count of each allowed transition and start (a Dirichlet prior of 1 + this).
    /// </summary>
    [Range(0.0, 1e9)]
    public double TransitionPrior { get; init; }

    /// <summary>
    /// Pseudo-counts added to the expected count of each symbol or category in each state, so that none is impossible.
    /// </summary>
    [Range(0.0, 1e9)]
    public double EmissionPrior { get; init; } = 0.01;

    /// <summary>Number of random initialisations, of which the best result is kept.</summary>
    [Range(1, 10_000)]
    public int Restarts { get; init; } = 1;

    /// <summary>The largest number of Baum-Welch iterations from each initialisation.</summary>
    [MayChange]
    [Range(1, 1_000_000)]
    public int Iterations { get; init; } = 100;

    /// <summary>Training ends when an iteration gains less than this, in nats per symbol.</summary>
    [MayChange]
    [Range(0.0, 1e9)]
    public double Tolerance { get; init; } = 1e-5;

    /// <summary>
    /// For taggers: number of previous tags to condition on, 1 (bigrams) or 2 (trigrams; Thede and Harper 1999, Brants
    /// 2000).
    /// </summary>
    [Range(1, 2)]
    public int Order { get; init; } = 2;

    /// <summary>For taggers: the longest suffix by which unknown words are tagged.</summary>
    [Range(0, 20)]
    public int SuffixLength { get; init; } = 10;

    /// <summary>
    /// For taggers: whether to choose the most probable sequence, or the most probable tag at each position.
    /// </summary>
    public TagDecoding Decoding { get; init; } = TagDecoding.Posterior;
}

/// <summary>Distributions of emissions.</summary>
public enum HmmEmission
{
    /// <summary>
    /// Symbols, or the categories of each column of a series, numbered from 0, from categorical distributions.
    /// </summary>
    Categorical,

    /// <summary>Numbers, from a normal distribution or a mixture of normal distributions.</summary>
    Gaussian,

    /// <summary>Counts, each column from a Poisson distribution.</summary>
    Poisson,

    /// <summary>Zeros and ones, each column from a Bernoulli distribution.</summary>
    Bernoulli,
}

/// <summary>Forms of covariance matrices.</summary>
public enum CovarianceShape
{
    /// <summary>One variance for all columns.</summary>
    Spherical,

    /// <summary>One variance for each column.</summary>
    Diagonal,

    /// <summary>A full matrix for each state.</summary>
    Full,

    /// <summary>One full matrix that all states share.</summary>
    Tied,
}

/// <summary>Which transitions between states are allowed.</summary>
public enum HmmTopology
{
    /// <summary>All transitions are allowed.</summary>
    Ergodic,

    /// <summary>
    /// Transitions lead only to the same state or to a later one; sequences begin in the first state (Bakis 1976).
    /// </summary>
    LeftToRight,

    /// <summary>The transitions listed in model.transitions are allowed.</summary>
    Sparse,
}

/// <summary>Criteria for the number of states.</summary>
public enum HmmChoice
{
    /// <summary>The log-likelihood of the validation split.</summary>
    Validation,

    /// <summary>The Bayesian information criterion (Schwarz 1978) on the training split.</summary>
    Bic,
}

/// <summary>How a tagger chooses tags.</summary>
public enum TagDecoding
{
    /// <summary>The most probable sequence of tags (Viterbi 1967).</summary>
    Viterbi,

    /// <summary>The most probable tag at each position, which minimises the expected number of wrong tags.</summary>
    Posterior,
}
