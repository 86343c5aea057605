using System.ComponentModel.DataAnnotations;

namespace Atelier.Models.Ngram;

/// <summary>The configuration of an n-gram model.</summary>
public sealed record NgramConfig
{
    /// <summary>The largest n: each token is predicted from at most order − 1 tokens before it.</summary>
    [Range(1, 12)]
    public int Order { get; init; } = 5;

    /// <summary>The smoothing method, which gives probability to unseen n-grams.</summary>
    public NgramSmoothing Smoothing { get; init; } = NgramSmoothing.WittenBell;
}

/// <summary>Methods of interpolating long and short contexts.</summary>
public enum NgramSmoothing
{
    /// <summary>Interpolated Witten-Bell (Witten and Bell 1991; Chen and Goodman 1999, section 2.5).</summary>
    WittenBell,

    /// <summary>
    /// Interpolated Kneser-Ney with one discount an order (Kneser and Ney 1995; Chen and Goodman 1999, section 2.8).
    /// </summary>
    KneserNey,
}
