using System.ComponentModel.DataAnnotations;

namespace Atelier.Models.Independent;

/// <summary>The configuration of a model of independent columns.</summary>
public sealed record IndependentConfig
{
    /// <summary>
    /// Additive smoothing: the pseudo-count added to the count of each category, so that none is impossible. 1 is
    /// Laplace's rule (1814).
    /// </summary>
    [Range(0.0, 1e6)]
    public double Smoothing { get; init; } = 1;
}
