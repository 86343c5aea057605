using System.ComponentModel.DataAnnotations;

namespace Atelier.Models.Ngram;

/// <summary>The shape of an n-gram model.</summary>
public sealed record NgramConfig
{
    /// <summary>The longest n-gram counted: a token is predicted from at most Order − 1 before it.</summary>
    [Range(1, 12)]
    public int Order { get; init; } = 5;

    /// <summary>How counts become probabilities of what was never seen.</summary>
    public NgramSmoothing Smoothing { get; init; } = NgramSmoothing.WittenBell;
}

/// <summary>How long and short contexts are mixed.</summary>
public enum NgramSmoothing
{
    /// <summary>Interpolated Witten-Bell (Witten and Bell 1991; Chen and Goodman 1999, section 2.5).</summary>
    WittenBell,

    /// <summary>
    /// Interpolated Kneser-Ney with one discount an order (Kneser and Ney 1995; Chen and Goodman 1999, section 2.8).
    /// </summary>
    KneserNey,
}
