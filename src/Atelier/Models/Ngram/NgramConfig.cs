using System.ComponentModel.DataAnnotations;

namespace Atelier.Models.Ngram;

/// <summary>The configuration of an n-gram model.</summary>
public sealed record NgramConfig
{
    /// <summary>The largest n. Each token is predicted from at most order − 1 tokens before it.</summary>
    [Range(1, 12)]
    public int Order { get; init; } = 5;

    /// <summary>The smoothing method, which gives unseen n-grams a probability above zero.</summary>
    public NgramSmoothing Smoothing { get; init; } = NgramSmoothing.WittenBell;
}

/// <summary>Smoothing methods of n-gram models, which interpolate long and short contexts.</summary>
public enum NgramSmoothing
{
    /// <summary>
    /// Interpolated Witten-Bell smoothing (Witten and Bell 1991; Chen and Goodman 1999, section 2.5).
    /// </summary>
    WittenBell,

    /// <summary>
    /// Interpolated Kneser-Ney smoothing with one discount for each order (Kneser and Ney 1995; Chen and Goodman 1999,
    /// section 2.8).
    /// </summary>
    KneserNey,

    /// <summary>
    /// Interpolated Kneser-Ney smoothing with three discounts for each order: of n-grams that occur once, twice, and
    /// more often (Chen and Goodman 1999, section 3).
    /// </summary>
    ModifiedKneserNey,
}
