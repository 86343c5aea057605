using System.ComponentModel.DataAnnotations;
using Atelier.Models.Hmm.Inference;
using Atelier.Recipes;

namespace Atelier.Models.Hmm;

/// <summary>The shape of a hidden Markov model, and how expectation maximisation or counting finds it.</summary>
public sealed record HmmConfig
{
    /// <summary>Hidden states. A tagger's states are its tags, and this is not used.</summary>
    [Range(1, 4096)]
    public int StateCount { get; init; } = 8;

    /// <summary>
    /// Numbers of states to try; the best by <see cref="Choose"/> is kept. Empty tries StateCount alone.
    /// </summary>
    public IReadOnlyList<int> StateCounts { get; init; } = [];

    /// <summary>What decides between numbers of states: the likelihood of validation data, or BIC.</summary>
    public HmmChoice Choose { get; init; } = HmmChoice.Validation;

    /// <summary>
    /// What a state gives off: symbols, numbers or counts; null takes symbols for text and numbers for series.
    /// </summary>
    public HmmEmission? Emission { get; init; }

    /// <summary>Normal distributions that a state mixes.</summary>
    [Range(1, 256)]
    public int MixtureCount { get; init; } = 1;

    /// <summary>The shape of a normal distribution's covariance.</summary>
    public CovarianceShape Covariance { get; init; } = CovarianceShape.Diagonal;

    /// <summary>The least variance, as a share of the column's own, so that no state shrinks onto a point.</summary>
    [Range(0.0, 1.0)]
    public double VarianceFloor { get; init; } = 1e-3;

    /// <summary>Which states may follow which.</summary>
    public HmmTopology Topology { get; init; } = HmmTopology.Ergodic;

    /// <summary>How many states ahead left-to-right models may go at once.</summary>
    [Range(1, 4096)]
    public int Jump { get; init; } = 1;

    /// <summary>The transitions of a sparse topology, such as 0->1.</summary>
    public IReadOnlyList<string> Transitions { get; init; } = [];

    /// <summary>
    /// Added to the expected count of each allowed transition and start (a Dirichlet prior of 1 + this).
    /// </summary>
    [Range(0.0, 1e9)]
    public double TransitionPrior { get; init; }

    /// <summary>Added to the expected count of each symbol in each state, so that none is impossible.</summary>
    [Range(0.0, 1e9)]
    public double EmissionPrior { get; init; } = 0.01;

    /// <summary>Beginnings at random, of which the best end is kept.</summary>
    [Range(1, 10_000)]
    public int Restarts { get; init; } = 1;

    /// <summary>The most iterations of Baum-Welch from each beginning.</summary>
    [MayChange]
    [Range(1, 1_000_000)]
    public int Iterations { get; init; } = 100;

    /// <summary>Ends when an iteration gains less than this in nats per symbol.</summary>
    [MayChange]
    [Range(0.0, 1e9)]
    public double Tolerance { get; init; } = 1e-5;

    /// <summary>
    /// Tags that a tagger looks back on: 1 (bigrams) or 2 (trigrams; Thede and Harper 1999, Brants 2000).
    /// </summary>
    [Range(1, 2)]
    public int Order { get; init; } = 2;

    /// <summary>The longest word ending that tells a tagger of unknown words.</summary>
    [Range(0, 20)]
    public int SuffixLength { get; init; } = 10;

    /// <summary>How a tagger decides: the likeliest sequence, or the likeliest tag at each place.</summary>
    public TagDecoding Decoding { get; init; } = TagDecoding.Posterior;
}

/// <summary>What states give off.</summary>
public enum HmmEmission
{
    /// <summary>Symbols, each with a probability of its own.</summary>
    Categorical,

    /// <summary>Numbers, from a normal distribution or a mixture of such.</summary>
    Gaussian,

    /// <summary>Counts, each column from a Poisson distribution of its own.</summary>
    Poisson,
}

/// <summary>Shapes of a covariance matrix.</summary>
public enum CovarianceShape
{
    /// <summary>One variance for all columns.</summary>
    Spherical,

    /// <summary>A variance for each column.</summary>
    Diagonal,

    /// <summary>A full matrix.</summary>
    Full,

    /// <summary>One full matrix that all states share.</summary>
    Tied,
}

/// <summary>Which states may follow which.</summary>
public enum HmmTopology
{
    /// <summary>Any may follow any.</summary>
    Ergodic,

    /// <summary>A state stays or goes on to a later one; the first begins (Bakis 1976).</summary>
    LeftToRight,

    /// <summary>As model.transitions lists.</summary>
    Sparse,
}

/// <summary>What decides between numbers of states.</summary>
public enum HmmChoice
{
    /// <summary>The log-likelihood of the validation part.</summary>
    Validation,

    /// <summary>The Bayesian information criterion (Schwarz 1978) of the training part.</summary>
    Bic,
}

/// <summary>How a tagger decides.</summary>
public enum TagDecoding
{
    /// <summary>The likeliest sequence of tags (Viterbi 1967).</summary>
    Viterbi,

    /// <summary>The likeliest tag at each place, which has the fewest wrong tags expected.</summary>
    Posterior,
}
